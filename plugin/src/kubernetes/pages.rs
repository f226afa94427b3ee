//! A list that may be long, several pages at once.
//!
//! The API server encodes a list object by object, on one core, and says at the end of a page where the next one
//! begins. As a table without objects the same page takes it a twentieth of the time, and ends where the page
//! does: so the next one is asked for long before this one has come.

use std::pin::pin;
use std::time::Instant;

use daap_crds::trimmed::Fields;
use futures::future::{Either, select};
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use super::Kubernetes;
use super::incoming::{Ask, Incoming};
use crate::failure::Failure;

/// Objects of a page: half of kubectl's, since the pages that are read before it is their turn are held.
const SIZE: u32 = 250;
/// Pages that are on their way at the same time. For the API server's priority and fairness, which counts
/// hundreds of objects, they weigh 9 seats, and a list without pages 10.
const AT_ONCE: usize = 3;

/// A list of which the rest is still to be read.
pub(crate) enum Pages<'a> {
    /// Comes in one answer.
    Whole(Listed<'a>, Incoming),
    /// Comes in pages.
    Cut(Cut<'a>),
}

/// A list in pages.
pub(crate) struct Cut<'a> {
    listed: Listed<'a>,
    /// What has been read, and not yet handed over.
    read: Vec<Value>,
    /// Where the next page begins, if there is one.
    next: Option<String>,
    /// Those that are read before it is their turn.
    ahead: BoxStream<'a, Result<Page, Failure>>,
}

/// A page that has been read.
pub(crate) struct Page {
    begins: String,
    items: Vec<Value>,
    /// Where the next one begins, if there is one.
    next: Option<String>,
}

/// What is listed, and what of each object is kept.
#[derive(Clone)]
pub(crate) struct Listed<'a> {
    k8s: &'a Kubernetes,
    ask: Ask<'a>,
    fields: Fields,
}

impl Kubernetes {
    /// Asks for every object, in pages of the asked size if there is one: reads the first page, and finds out how
    /// to ask for the others. An API server that has them not at hand reads them from etcd, which takes several
    /// times as long as to send everything at once.
    pub(crate) async fn every<'a>(
        &'a self,
        ask: Ask<'a>,
        fields: Fields,
    ) -> Result<Pages<'a>, Failure> {
        let size = if ask.size == 0 { SIZE } else { ask.size };
        let since = Instant::now();
        let listed = Listed {
            k8s: self,
            ask: Ask { size, ..ask },
            fields,
        };
        let first = self.objects(listed.ask.clone()).await?;
        let (read, next) = first.all(fields).await?;
        // At hand, this takes a twentieth of what the page took; from etcd, more than the page.
        let longest = since.elapsed() / 2;
        let third = match &next {
            Some(second) => tokio::time::timeout(longest, listed.after(second)).await,
            None => Ok(Ok(None)),
        };
        let Ok(Ok(third)) = third else {
            let ask = Ask {
                size: 0,
                ..listed.ask.clone()
            };
            let incoming = self.objects(ask).await?;
            return Ok(Pages::Whole(listed, incoming));
        };
        let ahead = listed.clone().ahead(next.clone(), third);
        Ok(Pages::Cut(Cut {
            listed,
            read,
            next,
            ahead,
        }))
    }
}

impl<'a> Listed<'a> {
    /// Every page from the second on.
    fn ahead(
        self,
        second: Option<String>,
        third: Option<String>,
    ) -> BoxStream<'a, Result<Page, Failure>> {
        let listed = self.clone();
        let later = stream::unfold(third.clone(), move |last| {
            let listed = listed.clone();
            async move {
                // Where that fails the pages are read one by one, and say why.
                let next = listed.after(&last?).await.ok()??;
                Some((next.clone(), Some(next)))
            }
        });
        stream::iter(second.into_iter().chain(third))
            .chain(later)
            .map(move |begins| self.clone().page(begins))
            .buffered(AT_ONCE)
            .boxed()
    }

    /// Where the page after that one begins, if there is one.
    async fn after(&self, begins: &str) -> Result<Option<String>, Failure> {
        let from = Some(begins.to_owned());
        let ask = Ask {
            from,
            ..self.ask.clone()
        };
        self.k8s.cells(&ask).await?.rest().await
    }

    async fn page(self, begins: String) -> Result<Page, Failure> {
        let from = Some(begins.clone());
        let incoming = self.k8s.objects(Ask { from, ..self.ask }).await?;
        let (items, next) = incoming.all(self.fields).await?;
        Ok(Page {
            begins,
            items,
            next,
        })
    }
}

impl Pages<'_> {
    /// Reads as many pages as may be on their way at the same time, and keeps them; but no longer than `until`.
    pub(crate) async fn read_ahead(&mut self, until: impl Future) -> Result<(), Failure> {
        let Self::Cut(cut) = self else {
            return Ok(());
        };
        let mut until = pin!(until);
        for _ in 0..AT_ONCE {
            let page = match select(pin!(cut.page()), until.as_mut()).await {
                Either::Left((page, _)) => page?,
                Either::Right(_) => break,
            };
            let Some(items) = page else {
                break;
            };
            cut.read.extend(items);
        }
        Ok(())
    }

    /// Hands over every object, in order.
    pub(crate) async fn each(self, mut take: impl FnMut(Value)) -> Result<(), Failure> {
        match self {
            Self::Whole(listed, incoming) => incoming.each(listed.fields, take).await.map(|_| ()),
            Self::Cut(mut cut) => {
                std::mem::take(&mut cut.read)
                    .into_iter()
                    .for_each(&mut take);
                while let Some(items) = cut.page().await? {
                    items.into_iter().for_each(&mut take);
                }
                Ok(())
            }
        }
    }
}

impl Cut<'_> {
    /// The next page, if there is one. What a page itself says of the next counts: another is none of this list.
    /// Who stops waiting for it, finds it there the next time.
    async fn page(&mut self) -> Result<Option<Vec<Value>>, Failure> {
        let Some(begins) = self.next.clone() else {
            return Ok(None);
        };
        let read = self.ahead.try_next().await?;
        let page = if let Some(page) = read.filter(|page| page.begins == begins) {
            page
        } else {
            self.ahead = stream::empty().boxed();
            self.listed.clone().page(begins).await?
        };
        self.next = page.next;
        Ok(Some(page.items))
    }
}

#[cfg(test)]
mod tests {
    use daap_crds::trimmed::Kept;
    use futures::FutureExt as _;
    use futures::future::{BoxFuture, pending, ready};
    use http::Method;
    use rstest::rstest;
    use serde_json::json;

    use super::super::Kind;
    use super::super::fake::{Fake, Fault};
    use super::*;

    const NAME: Fields = &[("metadata", Kept::Only(&["name"]))];
    const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

    async fn filled() -> (Fake, Kubernetes) {
        let fake = Fake::default();
        let k8s = fake.connect();
        for name in NAMES {
            let object = json!({"metadata": {"name": name, "namespace": "apps"}});
            k8s.create(Kind::Cluster, &object).await.unwrap();
        }
        fake.heal();
        (fake, k8s)
    }

    fn ask<'a>(size: u32) -> Ask<'a> {
        Ask {
            kind: Kind::Cluster,
            namespace: Some("apps"),
            selector: "",
            size,
            from: None,
        }
    }

    async fn names(pages: Pages<'_>) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        let take =
            |object: Value| names.extend(object["metadata"]["name"].as_str().map(str::to_owned));
        pages.each(take).await.map(|()| names)
    }

    #[rstest]
    #[case(0, 1)]
    #[case(7, 1)]
    // Two pages, and where the third would begin.
    #[case(4, 3)]
    #[case(3, 5)]
    #[case(2, 7)]
    #[case(1, 13)]
    #[tokio::test]
    async fn every_object_comes_once_and_in_order(#[case] size: u32, #[case] requests: usize) {
        // Nothing is read ahead, or waited for so long that some pages are on their way, or for as many as may be.
        let until: [BoxFuture<'_, ()>; 3] = [
            ready(()).boxed(),
            tokio::task::yield_now().boxed(),
            pending().boxed(),
        ];
        for until in until {
            let (fake, k8s) = filled().await;
            let mut pages = k8s.every(ask(size), NAME).await.unwrap();
            pages.read_ahead(until).await.unwrap();
            assert_eq!(names(pages).await.unwrap(), NAMES);
            assert_eq!(fake.requests(), requests);
        }
    }

    /// Of seven requests the first, and those for the other three pages, have to be answered; where the third
    /// and the fourth page begin is also said by what comes before them.
    #[tokio::test]
    async fn nothing_is_lost_where_it_cannot_be_read_ahead() {
        let mut outcomes = Vec::new();
        for failing in 0..7 {
            let (fake, k8s) = filled().await;
            fake.fail(move |number, _: &Method, _| {
                (number == failing).then_some(Fault::Refused(500))
            });
            let listed = async { names(k8s.every(ask(2), NAME).await?).await };
            outcomes.push(match listed.await {
                Ok(names) if names == NAMES => "all",
                Ok(_) => "some",
                Err(_) => "refused",
            });
        }
        let expected = [
            "refused", "all", "all", "refused", "refused", "all", "refused",
        ];
        assert_eq!(outcomes, expected);
    }

    #[tokio::test]
    async fn what_a_page_says_of_the_next_counts() {
        let (_, k8s) = filled().await;
        let Pages::Cut(mut cut) = k8s.every(ask(2), NAME).await.unwrap() else {
            panic!("there are pages");
        };
        let wrong = cut.listed.clone().page("5".to_owned()).await;
        cut.ahead = stream::iter([wrong]).boxed();
        assert_eq!(names(Pages::Cut(cut)).await.unwrap(), NAMES);
    }
}
