//! Lists that are read while they come in: the API server holds all of it, we hold one object.

use std::pin::Pin;
use std::time::Duration;

use daap_crds::trimmed::{Fields, Kept, trimmed};
use futures::{AsyncBufRead, AsyncBufReadExt as _};
use serde::Deserialize;
use serde_json::Value;

use super::error::{ApiError, Request};
use super::rows::{Columns, Name, Named, Row, Shown, of_table};
use super::split::{Part, Split};
use super::{Kind, Kubernetes, list_params, prepared, unreadable, within};
use crate::failure::Failure;

/// Who wrote which field is most of what metadata is made of.
const METADATA: Fields = &[("metadata", Kept::But(&["managedFields"]))];

/// What to list.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) kind: Kind,
    /// All where none is given.
    pub(crate) namespace: Option<&'a str>,
    /// Of labels.
    pub(crate) selector: &'a str,
    /// At most so many; 0 for all.
    pub(crate) size: u32,
    /// Where an earlier answer ended.
    pub(crate) from: Option<String>,
}

/// An answer that has begun: it is allowed, and on its way.
pub(crate) struct Incoming {
    body: Pin<Box<dyn AsyncBufRead + Send>>,
    timeout: Option<Duration>,
    asked: Request,
}

impl Kubernetes {
    /// Asks for objects, and returns once the answer begins.
    pub(crate) async fn objects(&self, ask: Ask<'_>) -> Result<Incoming, Failure> {
        self.begin(&ask, None).await
    }

    /// Asks for the rows that kubectl would print, which are a tenth of the objects.
    pub(crate) async fn rows(&self, ask: Ask<'_>) -> Result<Incoming, Failure> {
        // Of one namespace, nothing but the cells is needed.
        let shown = match ask.namespace {
            Some(_) => Shown::Cells,
            None => Shown::Metadata,
        };
        self.begin(&ask, Some(shown)).await
    }

    /// The same, of which nothing is wanted but where the rest begins.
    pub(super) async fn cells(&self, ask: &Ask<'_>) -> Result<Incoming, Failure> {
        self.begin(ask, Some(Shown::Cells)).await
    }

    /// Labels, annotations and the like of every object that the selector matches, from the API
    /// server's cache: fast, and perhaps a moment old.
    pub(crate) async fn list_cached(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Value>, Failure> {
        let params = list_params(selector, 0, None).match_any();
        let request = kube::core::Request::new(kind.path(namespace)).list_metadata(&params);
        let incoming = self.send_list(kind, namespace, request).await?;
        incoming.all(METADATA).await.map(|(items, _)| items)
    }

    /// Names alone, likewise: a tenth of the time of the metadata.
    pub(crate) async fn names_cached(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<String>, Failure> {
        let params = list_params(selector, 0, None).match_any();
        let request = kube::core::Request::new(kind.path(namespace)).list(&params);
        let request = request.and_then(|request| of_table(request, Shown::Cells));
        let incoming = self.send_list(kind, namespace, request).await?;
        let mut names = Vec::new();
        incoming
            .each_row("", "", |row| names.push(row.name.into_owned()))
            .await?;
        Ok(names)
    }

    async fn begin(&self, ask: &Ask<'_>, shown: Option<Shown>) -> Result<Incoming, Failure> {
        let Ask {
            kind,
            namespace,
            selector,
            size,
            from,
        } = ask;
        let params = list_params(selector, *size, from.clone());
        let request = kube::core::Request::new(kind.path(*namespace)).list(&params);
        let request = match shown {
            Some(shown) => request.and_then(|request| of_table(request, shown)),
            None => request,
        };
        self.send_list(*kind, *namespace, request).await
    }

    async fn send_list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Incoming, Failure> {
        let asked = self.asked(&format!("list {kind}"), namespace.unwrap_or_default());
        let request = prepared(request, &asked)?;
        let answer = self.client.request_stream(request);
        let body = within(self.timeout, &asked, answer).await?;
        let body = body.map_err(|error| ApiError::from_kube(&error, &asked))?;
        Ok(Incoming {
            body: Box::pin(body),
            timeout: self.timeout,
            asked,
        })
    }
}

impl Incoming {
    /// Hands over every object, with those of its fields, as it comes. Says where the rest begins, if
    /// there is one.
    pub(crate) async fn each(
        self,
        fields: Fields,
        mut take: impl FnMut(Value),
    ) -> Result<Option<String>, Failure> {
        self.parts(|part| {
            if part.field == "items" {
                take(trimmed(part.json, fields)?);
            }
            Ok(())
        })
        .await
    }

    /// Every object, with those of its fields, and where the rest begins, if there is one.
    pub(super) async fn all(self, fields: Fields) -> Result<(Vec<Value>, Option<String>), Failure> {
        let mut items = Vec::new();
        let next = self.each(fields, |item| items.push(item)).await?;
        Ok((items, next))
    }

    /// Reads it to its end, for where the rest begins.
    pub(super) async fn rest(self) -> Result<Option<String>, Failure> {
        self.parts(|_| Ok(())).await
    }

    /// Hands over every row with its value in that column; `pointer` is where an object has that.
    pub(crate) async fn each_row(
        self,
        column: &str,
        pointer: &str,
        mut take: impl FnMut(Row<'_>),
    ) -> Result<(), Failure> {
        let mut columns = Columns::wanted(column);
        let rest = self.parts(|part| {
            match part.field {
                "columnDefinitions" => columns.add(part.json)?,
                "rows" => take(columns.row(part.json)?),
                "items" => {
                    let object = trimmed(part.json, METADATA)?;
                    let Name { namespace, name } = Named::deserialize(&object)?.metadata;
                    let value = object.pointer(pointer).cloned().unwrap_or_default();
                    take(Row {
                        namespace,
                        name,
                        value,
                    });
                }
                _ => {}
            }
            Ok(())
        });
        rest.await.map(|_| ())
    }

    async fn parts(
        mut self,
        mut take: impl FnMut(Part<'_>) -> serde_json::Result<()>,
    ) -> Result<Option<String>, Failure> {
        let (mut split, mut next) = (Split::default(), None);
        loop {
            // As long as something comes a list may take its time: the limit is for each wait.
            let read = within(self.timeout, &self.asked, self.body.fill_buf()).await?;
            let bytes = read.map_err(|error| {
                ApiError::from_kube(&kube::Error::ReadEvents(error), &self.asked)
            })?;
            let size = bytes.len();
            if size == 0 {
                break;
            }
            let fed = split.feed(bytes, |part| match part.field {
                "metadata" => {
                    let list: Value = serde_json::from_slice(part.json)?;
                    let token = list.get("continue").and_then(Value::as_str);
                    next = token.filter(|token| !token.is_empty()).map(str::to_owned);
                    Ok(())
                }
                _ => take(part),
            });
            fed.map_err(|error| unreadable(&self.asked, &error.to_string()))?;
            self.body.as_mut().consume(size);
        }
        if split.is_complete() {
            Ok(next)
        } else {
            Err(unreadable(&self.asked, "the answer breaks off").transient())
        }
    }
}
