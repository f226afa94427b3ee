//! `kubectl daap`: PostgreSQL databases on Kubernetes.

/// What a list is made of are hundreds of thousands of small values: musl's own allocator, which the
/// programs for Linux would be linked with, takes longer for them than all else.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    kubectl_daap::run(std::env::args_os())
}
