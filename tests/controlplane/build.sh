#!/usr/bin/env bash
# Builds the sandbox's control plane from Go modules, into a cache outside the checkout, and prints
# the folder that holds it. An existing KUBEBUILDER_ASSETS is used as it is.
set -euo pipefail
cd "$(dirname "$0")"
wanted=(etcd kube-apiserver kube-controller-manager kubectl)

complete() { for name in "${wanted[@]}"; do [ -x "$1/$name" ] || return 1; done; }

if [ -n "${KUBEBUILDER_ASSETS:-}" ] && complete "$KUBEBUILDER_ASSETS"; then
  echo "$KUBEBUILDER_ASSETS"
  exit 0
fi
# What is built follows from these files alone, so they name the cache entry.
key=$(cat go.mod go.sum etcd/main.go build.sh | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-daap
target=$cache/controlplane-$key
if ! complete "$target"; then
  command -v go >/dev/null || { echo "the control plane is built with Go 1.26 or newer: install it from https://go.dev/dl, or point KUBEBUILDER_ASSETS at a folder with: ${wanted[*]}" >&2; exit 1; }
  echo "building etcd and Kubernetes (once; about 6 minutes on two cores) …" >&2
  mkdir -p "$cache"
  # Built aside and renamed, so that a build that was cut short never looks complete.
  building=$(mktemp -d "$cache/building-XXXXXX")
  trap 'rm -rf "$building"' EXIT
  version=$(sed -n 's|^\tk8s.io/kubernetes \(v[0-9.]*\).*|\1|p' go.mod)
  minor=${version#v1.}
  minor=${minor%%.*}
  package=k8s.io/component-base/version
  CGO_ENABLED=0 go build -trimpath \
    -ldflags "-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor" \
    -o "$building/" ./etcd k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kubectl}
  rm -rf "$target"
  mv -T "$building" "$target" 2>/dev/null || complete "$target"
fi
echo "$target"
