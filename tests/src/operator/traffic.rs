//! kube-proxy: every Service has a loopback address of its own, which leads to its ready pods.
//!
//! While there is none, nothing listens, so that connections are refused as they would be.

use std::{
    collections::{HashMap, hash_map::Entry},
    io,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::{
    Api, ResourceExt as _,
    api::{ListParams, Patch, PatchParams},
    runtime::{Controller, controller::Action, reflector::ObjectRef},
};
use serde_json::json;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    addresses::{Address, Addresses},
    contract::{ADDRESS, PORT, label},
    drive,
    error::Error,
    objects::{annotate, is_ready, label},
    of_clusters, on_deleted,
};

type Backends = Vec<Ipv4Addr>;

/// The addresses of all Services.
#[derive(Clone)]
pub(super) struct Traffic {
    addresses: Arc<Addresses>,
    routes: Arc<Mutex<HashMap<(String, String), Route>>>,
}

struct Route {
    ip: Ipv4Addr,
    backends: watch::Sender<Backends>,
}

impl Traffic {
    pub(super) fn new(addresses: Arc<Addresses>) -> Self {
        Self {
            addresses,
            routes: Arc::default(),
        }
    }

    /// The address of a Service, also before the Service is there.
    pub(super) fn address(&self, namespace: &str, service: &str) -> io::Result<Ipv4Addr> {
        self.route(namespace, service, None, |_| {})
    }

    fn route(
        &self,
        namespace: &str,
        service: &str,
        wanted: Option<Ipv4Addr>,
        then: impl FnOnce(&Route),
    ) -> io::Result<Ipv4Addr> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let route = match routes.entry((namespace.to_owned(), service.to_owned())) {
            Entry::Occupied(route) => route.into_mut(),
            Entry::Vacant(place) => {
                let address = self.addresses.take(wanted)?;
                let (ip, backends) = (address.ip, watch::Sender::new(Backends::new()));
                tokio::spawn(serve(address, backends.subscribe()));
                place.insert(Route { ip, backends })
            }
        };
        then(route);
        Ok(route.ip)
    }

    fn forget(&self, namespace: &str, service: &str) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.remove(&(namespace.to_owned(), service.to_owned()));
    }
}

/// Keeps routes in step with Services and pods.
pub(super) async fn follow(shared: Arc<Shared>, stop: CancellationToken) {
    let services = Api::<Service>::all(shared.client.clone());
    let pods = Api::<Pod>::all(shared.client.clone());
    let controller = Controller::new(services, of_clusters()).watches(pods, of_clusters(), |pod| {
        let pooler = label(&pod, label::POOLER);
        let cluster = label(&pod, label::CLUSTER);
        let names = if pooler.is_empty() {
            ["rw", "ro", "r"]
                .iter()
                .map(|suffix| format!("{cluster}-{suffix}"))
                .collect()
        } else {
            vec![pooler.to_owned()]
        };
        let namespace = pod.namespace().unwrap_or_default();
        names
            .into_iter()
            .map(move |name| ObjectRef::new(&name).within(&namespace))
            .collect::<Vec<_>>()
    });
    let gone = Api::<Service>::all(shared.client.clone());
    let routes = shared.traffic.clone();
    let forget = on_deleted(gone, of_clusters(), stop.clone(), move |service| {
        routes.forget(
            &service.namespace().unwrap_or_default(),
            &service.name_any(),
        );
    });
    tokio::join!(drive(controller, stop, shared, reconcile), forget);
}

async fn reconcile(service: Arc<Service>, shared: Arc<Shared>) -> Result<Action, Error> {
    let (namespace, name) = (service.namespace().unwrap_or_default(), service.name_any());
    let api: Api<Service> = Api::namespaced(shared.client.clone(), &namespace);
    let Some(service) = api
        .get_opt(&name)
        .await?
        .filter(|service| service.metadata.deletion_timestamp.is_none())
    else {
        shared.traffic.forget(&namespace, &name);
        return Ok(Action::await_change());
    };
    let spec = service.spec.clone().unwrap_or_default();
    let selector: Vec<String> = spec
        .selector
        .unwrap_or_default()
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    if selector.is_empty() {
        return Ok(Action::await_change());
    }
    let pods: Api<Pod> = Api::namespaced(shared.client.clone(), &namespace);
    let pods = pods
        .list(&ListParams::default().labels(&selector.join(",")))
        .await?;
    let backends: Backends = pods
        .iter()
        .filter(|pod| is_ready(pod))
        .filter_map(|pod| pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok())
        .collect();
    let wanted = service
        .annotations()
        .get(ADDRESS)
        .and_then(|text| text.parse().ok());
    let ip = shared.traffic.route(&namespace, &name, wanted, |route| {
        route.backends.send_if_modified(|now| {
            let changed = *now != backends;
            *now = backends;
            changed
        });
    })?;
    let address = [(ADDRESS.to_owned(), ip.to_string())].into();
    annotate(&api, &service, &[].into(), &address).await?;
    if spec.type_.as_deref() == Some("LoadBalancer") {
        publish(&api, &service, ip).await?;
    }
    Ok(Action::await_change())
}

/// Says where a load balancer is.
async fn publish(api: &Api<Service>, service: &Service, ip: Ipv4Addr) -> Result<(), Error> {
    let ingress = service
        .status
        .as_ref()
        .and_then(|status| status.load_balancer.as_ref())
        .and_then(|balancer| balancer.ingress.as_ref());
    let said = ingress.and_then(|all| all.first()?.ip.clone());
    if said == Some(ip.to_string()) {
        return Ok(());
    }
    let patch = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": ip.to_string() }] } } });
    api.patch_status(
        &service.name_any(),
        &PatchParams::default(),
        &Patch::Merge(patch),
    )
    .await?;
    Ok(())
}

/// Serves one address as long as its route exists.
async fn serve(address: Address, mut backends: watch::Receiver<Backends>) {
    let next = AtomicUsize::new(0);
    loop {
        if backends
            .wait_for(|backends| !backends.is_empty())
            .await
            .is_err()
        {
            return;
        }
        let listener = match TcpListener::bind((address.ip, PORT)).await {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(ip = %address.ip, %error, "failed to listen for a Service");
                if backends.changed().await.is_err() {
                    return;
                }
                continue;
            }
        };
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let all = backends.borrow().clone();
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    if let (Ok((client, _)), false) = (accepted, all.is_empty()) {
                        tokio::spawn(pipe(client, all[turn % all.len()]));
                    }
                }
                changed = backends.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if backends.borrow_and_update().is_empty() {
                        break;
                    }
                }
            }
        }
    }
}

async fn pipe(mut client: TcpStream, backend: Ipv4Addr) {
    let Ok(mut server) = TcpStream::connect((backend, PORT)).await else {
        return;
    };
    // The protocol is one of short messages that wait for answers.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    // Either side may end a connection as it likes.
    let _ = copy_bidirectional(&mut client, &mut server).await;
}
