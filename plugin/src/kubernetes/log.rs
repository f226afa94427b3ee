//! The logs of containers.

use kube::core::subresource::LogParams;

use super::error::ApiError;
use super::{Kind, Kubernetes, chain, unreadable};
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
        let asked = self.asked(&what, &self.namespace);
        let request = { self.at(Kind::Pod).logs(pod, &params) }
            .map_err(|error| unreadable(&asked, &chain(&error)))?;
        let answer = self.client.request_text(request).await;
        answer.map_err(|error| ApiError::from_kube(&error, &asked).into())
    }
}
