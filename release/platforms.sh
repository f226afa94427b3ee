# Read by the scripts of this folder and of image/: the platforms of a release as kubectl and krew name
# them, Rust's names of them, and what a program is called there.
platforms=(linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64)

triple() { # PLATFORM
  case $1 in
    linux/amd64) echo x86_64-unknown-linux-musl ;;
    linux/arm64) echo aarch64-unknown-linux-musl ;;
    darwin/amd64) echo x86_64-apple-darwin ;;
    darwin/arm64) echo aarch64-apple-darwin ;;
    windows/amd64) echo x86_64-pc-windows-gnu ;;
    *) echo "error: no archive is made for '$1'; there are: ${platforms[*]}" >&2; return 2 ;;
  esac
}

program() { # PLATFORM [NAME]
  local name=${2:-kubectl-daap}
  case $1 in windows/*) echo "$name.exe" ;; *) echo "$name" ;; esac
}

# This machine's: nothing where it is none of them.
here() {
  case $(uname -s)/$(uname -m) in
    Linux/x86_64) echo linux/amd64 ;;
    Linux/aarch64) echo linux/arm64 ;;
  esac
}

# As krew.yaml names them.
archive() { # VERSION PLATFORM
  echo "kubectl-daap_$1_${2/\//_}.tar.gz"
}

# The one in Cargo.toml, as krew wants it.
version() { echo "v$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)"; }

# What the names in a profile of a program depend on: the compiler, and the versions of all that is compiled.
compiled_from() { # NAME TRIPLE
  rustc --version
  cargo tree --locked --package "$1" --target "$2" --edges normal --prefix none | sed 's/ (.*//' | LC_ALL=C sort -u
}
