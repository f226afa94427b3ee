//! A sandbox: how it is raised, used by a suite, and taken down.
//!
//! A *starter* (`daap-sandbox up`, or a suite through [`Sandbox`]) starts a *supervisor*
//! (`daap-sandbox serve`), which runs etcd, kube-apiserver, kube-controller-manager, the webhook and
//! the stand-in operator, and holds a lock on the sandbox's folder. Nothing outlives it: the kernel
//! kills the programs when it dies, and its *guard* removes the files.

mod admission;
mod apply;
mod certificates;
pub mod cli;
mod component;
mod definitions;
mod folder;
mod guard;
mod handle;
mod identity;
mod kubeconfig;
mod layout;
mod manifests;
mod options;
pub mod process;
mod programs;
mod raise;
mod running;
mod seed;
mod stand_in;
mod starter;
mod supervisor;
mod wait;
mod wire;

pub use component::Component;
pub use handle::Sandbox;
pub use identity::{NAMESPACE, User};
pub use options::SandboxOptions;
pub use wait::wait_for;
