#!/usr/bin/env bash
# Makes the images of image/Dockerfile without Docker: static programs, each in one layer on an
# empty base, as archives that `docker load`, `podman load`, skopeo and crane read (an OCI layout
# with the manifest.json of `docker save`). The same programs give the same bytes, whenever and by
# whomever they are packed.
#
#   image/build.sh [FOLDER [NAME…]]      archives go to FOLDER (dist/image); all images otherwise
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist/image}
names=("${@:2}")
[ ${#names[@]} -gt 0 ] || names=(daap-webhook kubectl-daap)
case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64 | arm64) architecture=arm64 ;;
  *) echo "error: no image is made for $(uname -m): x86_64 and aarch64 are known" >&2; exit 2 ;;
esac
triple=$(uname -m)-unknown-linux-musl
version=v$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
command -v musl-gcc >/dev/null || { echo "error: musl-gcc is missing, which ring is compiled with: apt-get install musl-tools" >&2; exit 1; }
rustup target add "$triple" >/dev/null 2>&1 || true
# Each by itself: together each would get the features of the other's dependencies.
for program in "${names[@]}"; do
  cargo build --locked --release --target "$triple" -p "$program" --bins >&2
done
built=${CARGO_TARGET_DIR:-target}/$triple/release

digest() { sha256sum "$1" | cut -d ' ' -f 1; }
# Names in order, nobody's files, no time: so that it can be repeated.
archive() { tar --create --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --directory "$1" --file "$2" "${@:3}"; }

image() { # NAME PORTS
  local name=$1 ports=$2 work layout layer config manifest
  work=$(mktemp -d); layout=$work/layout; mkdir -p "$work/root" "$layout/blobs/sha256"
  install -m 0755 "$built/$name" "$work/root/$name"
  install -m 0644 LICENSE "$work/root/LICENSE"
  archive "$work/root" "$work/layer" "$name" LICENSE
  layer=$(digest "$work/layer")
  mv "$work/layer" "$layout/blobs/sha256/$layer"
  printf '{"architecture":"%s","os":"linux","config":{"User":"65532:65532","Entrypoint":["/%s"]%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"image/build.sh"}],"created":"1970-01-01T00:00:00Z"}' \
    "$architecture" "$name" "$ports" "$layer" >"$work/config"
  config=$(digest "$work/config")
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' \
    "$config" "$(stat -c %s "$work/config")" "$layer" "$(stat -c %s "$layout/blobs/sha256/$layer")" >"$work/manifest"
  mv "$work/config" "$layout/blobs/sha256/$config"
  manifest=$(digest "$work/manifest")
  local reference=ghcr.io/kubectl-daap/$name:$version
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"io.containerd.image.name":"%s","org.opencontainers.image.ref.name":"%s"},"platform":{"architecture":"%s","os":"linux"}}]}' \
    "$manifest" "$(stat -c %s "$work/manifest")" "$reference" "$version" "$architecture" >"$layout/index.json"
  mv "$work/manifest" "$layout/blobs/sha256/$manifest"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  printf '[{"Config":"blobs/sha256/%s","RepoTags":["%s"],"Layers":["blobs/sha256/%s"]}]' \
    "$config" "$reference" "$layer" >"$layout/manifest.json"
  archive "$layout" "$out/$name.tar" blobs index.json manifest.json oci-layout
  rm -rf "$work"
  printf '%s  %s bytes  sha256:%s  %s\n' "$reference" "$(stat -c %s "$out/$name.tar")" "$manifest" "$out/$name.tar"
}

mkdir -p "$out"
for name in "${names[@]}"; do
  case $name in
    daap-webhook) image "$name" ',"ExposedPorts":{"8080/tcp":{},"8443/tcp":{}}' ;;
    *) image "$name" '' ;;
  esac
done
