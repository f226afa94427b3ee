//! The kubelet's own port: forwards connections to pods, as the API server asks for its clients.
//!
//! It speaks the WebSocket protocol `v4.channel.k8s.io`, which kube-rs and with it the plugin use.
//! `kubectl port-forward` needs SPDY, which it does not speak.

use std::{net::Ipv4Addr, sync::Arc};

use futures::{SinkExt as _, StreamExt as _, future::join_all};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL},
    },
};
use tokio_util::sync::CancellationToken;

use crate::operator::{Shared, error::Error, objects::is_ready};

const PROTOCOL: &str = "v4.channel.k8s.io";
/// Bytes read from a pod at once.
const CHUNK: usize = 32 * 1024;

/// What a client asks for.
struct Wish {
    namespace: String,
    pod: String,
    ports: Vec<u16>,
}

/// Listens, and says on which port.
pub(super) async fn listen(shared: Arc<Shared>, stop: CancellationToken) -> Result<u16, Error> {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config
                .with_no_client_auth()
                .with_single_cert(vec![certified.cert.der().clone()], key)
        })
        .map_err(|error| Error::Other(format!("failed to set up the kubelet's TLS: {error}")))?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
            let (shared, acceptor) = (shared.clone(), acceptor.clone());
            tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
                if let Err(error) = serve(&shared, &acceptor, stream).await {
                    tracing::debug!("port-forward: {error:#}");
                }
            }));
        }
    });
    Ok(port)
}

async fn serve(shared: &Shared, acceptor: &TlsAcceptor, stream: TcpStream) -> anyhow::Result<()> {
    let stream = acceptor.accept(stream).await?;
    let (tell, told) = oneshot::channel();
    #[expect(
        clippy::result_large_err,
        reason = "the type of the refusal is the library's"
    )]
    let negotiate =
        |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            // Whoever asks for something else is closed right after the handshake.
            let _ = tell.send(wish(request));
            let protocol = HeaderValue::from_static(PROTOCOL);
            response
                .headers_mut()
                .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
            Ok(response)
        };
    let socket = accept_hdr_async(stream, negotiate).await?;
    let Some(wish) = told.await? else {
        anyhow::bail!("only /portForward/{{namespace}}/{{pod}}?port=… is served");
    };
    let (mut sink, mut source) = socket.split();
    let (frames, mut outgoing) = mpsc::channel::<Vec<u8>>(16);
    let (mut writers, mut readers) = (Vec::new(), Vec::new());
    for (index, port) in wish.ports.iter().enumerate() {
        let channel = u8::try_from(2 * index)?;
        for channel in [channel, channel + 1] {
            let [low, high] = port.to_le_bytes();
            sink.send(Message::binary(vec![channel, low, high])).await?;
        }
        match connect(shared, &wish, *port).await {
            Ok(stream) => {
                let (reader, writer) = stream.into_split();
                readers.push(read(reader, channel, frames.clone()));
                writers.push(Some(writer));
            }
            Err(error) => {
                let mut frame = vec![channel + 1];
                frame.extend(format!("{error:#}").into_bytes());
                sink.send(Message::binary(frame)).await?;
                writers.push(None);
            }
        }
    }
    drop(frames);
    let to_client = async {
        while let Some(frame) = outgoing.recv().await {
            sink.send(Message::binary(frame)).await?;
        }
        sink.close().await
    };
    let to_pod = async {
        while let Some(Ok(message)) = source.next().await {
            if let Message::Binary(frame) = message {
                write(&mut writers, &frame).await?;
            }
        }
        // The client is gone: so that the pod's side ends too.
        writers.clear();
        anyhow::Ok(())
    };
    let (sent, written, _) = tokio::join!(to_client, to_pod, join_all(readers));
    written.and(Ok(sent?))
}

fn wish(request: &Request) -> Option<Wish> {
    let mut path = request
        .uri()
        .path()
        .strip_prefix("/portForward/")?
        .split('/');
    let (namespace, pod) = (path.next()?.to_owned(), path.next()?.to_owned());
    let query = request.uri().query().unwrap_or_default();
    let ports = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("port=")?.parse().ok())
        .collect();
    Some(Wish {
        namespace,
        pod,
        ports,
    })
}

async fn connect(shared: &Shared, wish: &Wish, port: u16) -> anyhow::Result<TcpStream> {
    let pods: Api<Pod> = Api::namespaced(shared.client.clone(), &wish.namespace);
    let pod = pods.get(&wish.pod).await?;
    anyhow::ensure!(is_ready(&pod), "pod {} is not ready", wish.pod);
    let ip = pod
        .status
        .and_then(|status| status.pod_ip)
        .unwrap_or_default();
    Ok(TcpStream::connect(format!("{ip}:{port}")).await?)
}

async fn read(mut reader: OwnedReadHalf, channel: u8, frames: mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(length @ 1..) = reader.read(&mut buffer).await {
        let mut frame = Vec::with_capacity(length + 1);
        frame.push(channel);
        frame.extend_from_slice(&buffer[..length]);
        if frames.send(frame).await.is_err() {
            return;
        }
    }
}

async fn write(writers: &mut [Option<OwnedWriteHalf>], frame: &[u8]) -> anyhow::Result<()> {
    let Some((channel, bytes)) = frame.split_first() else {
        return Ok(());
    };
    let writer = writers
        .get_mut(usize::from(channel / 2))
        .and_then(Option::as_mut);
    if let Some(writer) = writer.filter(|_| channel % 2 == 0) {
        writer.write_all(bytes).await?;
    }
    Ok(())
}
