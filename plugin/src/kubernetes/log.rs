//! The logs of containers.

use kube::core::subresource::LogParams;

use super::error::{ApiError, Request};
use super::{Kind, Kubernetes, chain};
use crate::failure::Failure;

impl Kubernetes {
    /// The last lines of a container's log; of what ran before it was started again where that is
    /// asked for.
    pub(crate) async fn log(
        &self,
        pod: &str,
        container: &str,
        previous: bool,
        lines: u32,
    ) -> Result<String, Failure> {
        let what = format!("get the log of pod \"{pod}\"");
        let params = LogParams {
            container: Some(container.to_owned()),
            previous,
            tail_lines: Some(i64::from(lines)),
            ..LogParams::default()
        };
        let request = self
            .at(Kind::Pod)
            .logs(pod, &params)
            .map_err(|error| Failure::new(format!("failed to {what}: {}", chain(&error))))?;
        let asked = Request {
            what,
            server: self.server.clone(),
            namespace: self.namespace.clone(),
            as_user: self.as_user.clone(),
        };
        let answer = self.client.request_text(request).await;
        answer.map_err(|error| ApiError::from_kube(&error, &asked).into())
    }
}
