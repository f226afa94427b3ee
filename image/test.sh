#!/usr/bin/env bash
# Unpacks the archives of image/build.sh as a container runtime does, and runs what is in them: as
# nobody in particular, in a root without anything else.
#
#   image/test.sh [FOLDER [NAME…]]
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist/image}
names=("${@:2}")
[ ${#names[@]} -gt 0 ] || names=(daap-webhook kubectl-daap)
# Others read what is unpacked.
umask 022
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
chroot=$(PATH=$PATH:/usr/sbin:/sbin command -v chroot); unshare=$(command -v unshare || true)
fail() { echo "error: $*" >&2; exit 1; }
value() { python3 -c 'import json,sys; v=json.load(open(sys.argv[1]))
for k in sys.argv[2:]: v=v[int(k) if k.isdigit() else k]
print(v)' "$@"; }

for name in "${names[@]}"; do
  layout=$work/$name/layout; root=$work/$name/root; mkdir -p "$layout" "$root"
  tar --extract --file "$out/$name.tar" --directory "$layout"
  for blob in "$layout"/blobs/sha256/*; do
    [ "$(sha256sum "$blob" | cut -d ' ' -f 1)" = "$(basename "$blob")" ] || fail "$name: $blob is not what it is called"
  done
  config=$layout/$(value "$layout/manifest.json" 0 Config)
  layer=$(value "$layout/manifest.json" 0 Layers 0)
  # Both ways of reading the archive lead to the same image.
  manifest=$layout/blobs/$(value "$layout/index.json" manifests 0 digest | tr : /)
  [ "blobs/$(value "$manifest" layers 0 digest | tr : /)" = "$layer" ] || fail "$name: index.json and manifest.json disagree"
  [ "sha256:$(basename "$layer")" = "$(value "$config" rootfs diff_ids 0)" ] || fail "$name: the layer is not the config's"
  [ "$(value "$config" config User)" = 65532:65532 ] || fail "$name: it does not run as 65532"
  tar --extract --file "$layout/$layer" --directory "$root"
  [ "$(ls "$root" | tr '\n' ' ')" = "LICENSE $name " ] || fail "$name: the image holds more than the program: $(ls "$root")"
  entrypoint=$(value "$config" config Entrypoint 0)
  # Root can chroot; others have a namespace of their own for that.
  if [ "$(id -u)" = 0 ]; then
    run=(env -i "$chroot" --userspec=65532:65532 "$root" "$entrypoint")
  else
    run=(env -i "$unshare" --user --map-root-user "$chroot" "$root" "$entrypoint")
  fi
  said=$("${run[@]}" --version) || fail "$name does not run in its image"
  if [ "$name" = daap-webhook ]; then
    # As a ConfigMap is mounted.
    mkdir "$root/policy" && echo 'limits: {instances: {min: 1, max: 3}}' >"$root/policy/policy.yaml"
    "${run[@]}" check-policy /policy/policy.yaml 2>"$work/said" || fail "$name does not read its policy: $(cat "$work/said")"
  fi
  echo "$said: $(stat -c %s "$root/$name") bytes, the image $(stat -c %s "$out/$name.tar") bytes"
done
