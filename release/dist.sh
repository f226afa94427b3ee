#!/usr/bin/env bash
# Makes a release of the plugin, on Linux, for all platforms or those that are named: archives, checksums,
# bills of materials, and the krew manifest. The same programs give the same bytes.
#
#   release/dist.sh FOLDER [PLATFORM…]
set -euo pipefail
cd "$(dirname "$0")/.."
. release/platforms.sh
out=${1:-dist}
wanted=("${@:2}")
[ ${#wanted[@]} -gt 0 ] || wanted=("${platforms[@]}")
version=$(version)
mkdir -p "$out"

# All names before the first build, which takes minutes.
for platform in "${wanted[@]}"; do triple "$platform" >/dev/null; done
for platform in "${wanted[@]}"; do
  echo "building kubectl-daap $version for $platform …" >&2
  program=$(release/build.sh "$platform")
  release/check.sh "$platform" "$program" >&2
  packed=$(release/pack.sh "$version" "$platform" "$program" "$out")
  release/sbom.py "$version" "$(triple "$platform")" "$packed" >"${packed%.tar.gz}.cdx.json"
done

# Of what this version has in the folder, so that platforms can be built one by one.
partial=()
for platform in "${platforms[@]}"; do
  [ -e "$out/$(archive "$version" "$platform")" ] || { partial=(--partial); echo "warning: the manifest leaves out $platform, which is not built" >&2; }
done
release/manifest.sh "$version" "$out" "${partial[@]}" >"$out/daap.yaml"
(cd "$out" && LC_ALL=C cat kubectl-daap_"${version}"_*.tar.gz.sha256 >checksums.txt)
(cd "$out" && sha256sum --check --quiet checksums.txt && ls -l "kubectl-daap_${version}_"* checksums.txt daap.yaml | awk '{print $5 "\t" $NF}')
