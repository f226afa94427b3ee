//! `kubectl daap`: PostgreSQL databases on Kubernetes.

fn main() -> std::process::ExitCode {
    kubectl_daap::run(std::env::args_os())
}
