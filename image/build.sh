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
. release/platforms.sh
platform=$(here)
[ -n "$platform" ] || { echo "error: no image is made on $(uname -s) $(uname -m): Linux on x86_64 and aarch64 are known" >&2; exit 2; }
version=$(version)

digest() { sha256sum "$1" | cut -d ' ' -f 1; }

image() { # NAME PROGRAM PORTS
  local name=$1 program=$2 ports=$3 work layout layer config manifest
  work=$(mktemp -d); layout=$work/layout; mkdir -p "$work/root" "$layout/blobs/sha256"
  install -m 0755 "$program" "$work/root/$name"
  install -m 0644 LICENSE "$work/root/LICENSE"
  release/tar.sh "$work/root" "$work/layer" LICENSE "$name"
  layer=$(digest "$work/layer")
  mv "$work/layer" "$layout/blobs/sha256/$layer"
  printf '{"architecture":"%s","os":"linux","config":{"User":"65532:65532","Entrypoint":["/%s"]%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"image/build.sh"}],"created":"1970-01-01T00:00:00Z"}' \
    "${platform#linux/}" "$name" "$ports" "$layer" >"$work/config"
  config=$(digest "$work/config")
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' \
    "$config" "$(stat -c %s "$work/config")" "$layer" "$(stat -c %s "$layout/blobs/sha256/$layer")" >"$work/manifest"
  mv "$work/config" "$layout/blobs/sha256/$config"
  manifest=$(digest "$work/manifest")
  local reference=ghcr.io/kubectl-daap/$name:$version
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"io.containerd.image.name":"%s","org.opencontainers.image.ref.name":"%s"},"platform":{"architecture":"%s","os":"linux"}}]}' \
    "$manifest" "$(stat -c %s "$work/manifest")" "$reference" "$version" "${platform#linux/}" >"$layout/index.json"
  mv "$work/manifest" "$layout/blobs/sha256/$manifest"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  printf '[{"Config":"blobs/sha256/%s","RepoTags":["%s"],"Layers":["blobs/sha256/%s"]}]' \
    "$config" "$reference" "$layer" >"$layout/manifest.json"
  release/tar.sh "$layout" "$out/$name.tar" blobs index.json manifest.json oci-layout
  rm -rf "$work"
  printf '%s  %s bytes  sha256:%s  %s\n' "$reference" "$(stat -c %s "$out/$name.tar")" "$manifest" "$out/$name.tar"
}

mkdir -p "$out"
for name in "${names[@]}"; do
  # The same program as in a release.
  program=$(release/build.sh "$platform" "$name")
  release/check.sh "$platform" "$program" >&2
  case $name in
    daap-webhook) image "$name" "$program" ',"ExposedPorts":{"8080/tcp":{},"8443/tcp":{}}' ;;
    *) image "$name" "$program" '' ;;
  esac
done
