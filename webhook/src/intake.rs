//! Reading a body: bounded in size, in time, and in what all bodies together hold.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::{HeaderMap, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

/// Object and old object reach 3 MB each.
const LARGEST_BODY: usize = 7 * 1024 * 1024;
/// Nearly every review is smaller, and waits for no memory: large ones cannot hold it up.
const SMALL_BODY: usize = 64 * 1024;
/// What all larger bodies may hold together, in KiB: one of the largest.
const HELD: usize = LARGEST_BODY / 1024;
/// What a value of a body takes while it is decided on: parsed, and copied by the rules.
const PER_VALUE: usize = 512;
/// Nearly every review has fewer values, and waits for no memory to be parsed in.
const FEW_VALUES: usize = 1024;
/// What all others may take together, in KiB. A review of nothing but short list items parses to
/// some twenty times its size: one that would take all of this and more is refused.
const PARSED: usize = 24 * 1024;
/// As many values as fit into that.
const MOST_VALUES: usize = PARSED * 1024 / PER_VALUE;
/// The API server sends a body at once. Whoever dribbles gives back what it holds after that.
const READ_LIMIT: Duration = Duration::from_secs(2);

/// Why there is no body to read. Such an answer is a failed call for the API server, so that its
/// `failurePolicy` refuses the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the body of a review is application/json")]
    NotJson,
    #[error("a review has at most {LARGEST_BODY} bytes")]
    TooLarge,
    #[error("a review has at most {MOST_VALUES} values")]
    TooManyValues,
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the body broke off")]
    Broken,
    #[error("too much is under way")]
    Busy,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge | Self::TooManyValues => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, self.to_string()).into_response()
    }
}

/// A body, and the memory that is reserved while it is worked on: none for a small one.
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    pub(crate) memory: Option<OwnedSemaphorePermit>,
}

/// Reads bodies.
pub(crate) struct Intake {
    memory: Arc<Semaphore>,
    parsed: Arc<Semaphore>,
}

impl Intake {
    pub(crate) fn new() -> Self {
        Self {
            memory: Arc::new(Semaphore::new(HELD)),
            parsed: Arc::new(Semaphore::new(PARSED)),
        }
    }

    /// The memory to parse a body in, while it is worked on: none where that has few values.
    pub(crate) async fn room(
        &self,
        body: &[u8],
        deadline: Instant,
    ) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        if brackets_and_commas(body) <= FEW_VALUES {
            return Ok(None);
        }
        let values = values(body);
        if values <= FEW_VALUES {
            return Ok(None);
        }
        if values > MOST_VALUES {
            return Err(Refusal::TooManyValues);
        }
        let room = reserve(&self.parsed, values * PER_VALUE, deadline);
        Ok(Some(room.await?))
    }

    /// The body, if it is JSON, not too large, and there in time.
    pub(crate) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        deadline: Instant,
    ) -> Result<Held, Refusal> {
        if !is_json(headers) {
            return Err(Refusal::NotJson);
        }
        let announced = announced(headers).unwrap_or(LARGEST_BODY);
        let mut chunks = body.into_data_stream();
        let read = if announced > LARGEST_BODY {
            Err(Refusal::TooLarge)
        } else {
            self.whole(&mut chunks, announced, deadline).await
        };
        if matches!(read, Err(Refusal::TooLarge)) {
            // Read on for a while, so that the client hears the answer and not a reset.
            let rest = async { while let Some(Ok(_)) = chunks.next().await {} };
            let _ = timeout(READ_LIMIT, rest).await;
        }
        read
    }

    /// Memory is reserved once, and all of it: bodies that each wait for a little more would wait
    /// for each other.
    async fn whole(
        &self,
        chunks: &mut BodyDataStream,
        announced: usize,
        deadline: Instant,
    ) -> Result<Held, Refusal> {
        let mut held = Held {
            bytes: Vec::new(),
            memory: None,
        };
        let mut read_by = Instant::now() + READ_LIMIT;
        loop {
            let next = timeout_at(read_by.min(deadline), chunks.next()).await;
            let Some(chunk) = next.map_err(|_| Refusal::TooSlow)? else {
                return Ok(held);
            };
            let chunk = chunk.map_err(|_| Refusal::Broken)?;
            let size = held.bytes.len() + chunk.len();
            if size > LARGEST_BODY {
                return Err(Refusal::TooLarge);
            }
            if size > SMALL_BODY && held.memory.is_none() {
                let waits = Instant::now();
                held.memory = Some(reserve(&self.memory, announced, deadline).await?);
                read_by += waits.elapsed();
                // Or it would be copied with each doubling, and what is left behind be held, too.
                held.bytes
                    .reserve_exact(announced.saturating_sub(held.bytes.len()));
            }
            held.bytes.extend_from_slice(&chunk);
        }
    }
}

async fn reserve(
    memory: &Arc<Semaphore>,
    bytes: usize,
    deadline: Instant,
) -> Result<OwnedSemaphorePermit, Refusal> {
    let kib = u32::try_from(bytes.div_ceil(1024)).map_err(|_| Refusal::TooLarge)?;
    match timeout_at(deadline, Arc::clone(memory).acquire_many_owned(kib)).await {
        Ok(Ok(memory)) => Ok(memory),
        Ok(Err(_)) | Err(_) => Err(Refusal::Busy),
    }
}

/// No fewer than the values of a JSON text, and counted many bytes at a time.
fn brackets_and_commas(text: &[u8]) -> usize {
    // As many as a byte can count.
    text.chunks(255)
        .map(|bytes| {
            let counts = bytes
                .iter()
                .map(|byte| u8::from(matches!(byte, b',' | b'[' | b'{')));
            usize::from(counts.fold(0_u8, u8::wrapping_add))
        })
        .sum()
}

/// How many values a JSON text has at most: each follows a bracket or a comma.
fn values(text: &[u8]) -> usize {
    let (mut values, mut rest) = (0, text);
    while let Some(start) = memchr::memchr(b'"', rest) {
        let (before, string) = rest.split_at(start);
        values += brackets_and_commas(before);
        rest = after_string(string.get(1..).unwrap_or_default());
    }
    values + brackets_and_commas(rest)
}

/// What follows the quote that ends a string.
fn after_string(mut text: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', text) {
        let is_escape = text.get(at) == Some(&b'\\');
        let next = at + if is_escape { 2 } else { 1 };
        text = text.get(next..).unwrap_or_default();
        if !is_escape {
            return text;
        }
    }
    &[]
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;
    use rstest::rstest;

    use super::*;

    fn headers(kind: Option<&str>) -> HeaderMap {
        let kind = kind.map(|kind| (header::CONTENT_TYPE, kind.parse().unwrap()));
        HeaderMap::from_iter(kind)
    }

    async fn read(intake: &Intake, body: Body) -> Result<Held, Refusal> {
        let headers = headers(Some("application/json; charset=utf-8"));
        let deadline = Instant::now() + Duration::from_millis(4500);
        intake.read(&headers, body, deadline).await
    }

    fn blank(size: usize) -> Body {
        Body::from(vec![b' '; size])
    }

    /// `size` bytes at once, and then nothing, for ever.
    fn stalled(size: usize) -> Body {
        let chunk = stream::iter([Ok::<_, Infallible>(vec![b' '; size])]);
        Body::from_stream(chunk.chain(stream::pending()))
    }

    #[rstest]
    #[case::none(None, true)]
    #[case::text(Some("text/json"), true)]
    #[case::prefix(Some("application/json-patch+json"), true)]
    #[case::plain(Some("application/json"), false)]
    #[case::upper_case(Some("Application/JSON"), false)]
    #[tokio::test]
    async fn only_json_is_read(#[case] kind: Option<&str>, #[case] refused: bool) {
        let (intake, headers) = (Intake::new(), headers(kind));
        let deadline = Instant::now() + READ_LIMIT;
        let read = intake.read(&headers, Body::from("{}"), deadline).await;
        assert_eq!(read.err(), refused.then_some(Refusal::NotJson));
    }

    #[tokio::test]
    async fn memory_is_held_while_a_large_body_is() {
        let intake = Intake::new();
        let small = read(&intake, blank(SMALL_BODY)).await.ok().unwrap();
        assert!(small.memory.is_none());
        let large = read(&intake, blank(LARGEST_BODY)).await.ok().unwrap();
        assert_eq!(large.bytes.len(), LARGEST_BODY);
        assert_eq!(intake.memory.available_permits(), 0);
        drop(large);
        let refused = read(&intake, blank(LARGEST_BODY + 1)).await.err();
        assert_eq!(refused, Some(Refusal::TooLarge));
        assert_eq!(intake.memory.available_permits(), HELD);
    }

    #[test]
    fn values_are_counted_outside_of_strings() {
        assert_eq!(values(br#"{"a,[{": [1, "\",[", {"b": 2}], "c\\": 3}"#), 6);
        assert_eq!(values(b"[".repeat(9).as_slice()), 9);
    }

    #[tokio::test]
    async fn what_parses_to_more_than_there_is_room_for_is_refused() {
        let intake = Intake::new();
        let list = |values: usize| format!("[{}]", vec!["1"; values].join(",")).into_bytes();
        let soon = || Instant::now() + Duration::from_millis(50);
        assert!(
            intake
                .room(&list(FEW_VALUES), soon())
                .await
                .unwrap()
                .is_none()
        );
        let room = intake.room(&list(MOST_VALUES), soon()).await.unwrap();
        assert_eq!(intake.parsed.available_permits(), 0);
        let waits = intake.room(&list(FEW_VALUES + 1), soon()).await;
        assert_eq!(waits.err(), Some(Refusal::Busy));
        drop(room);
        let refused = intake.room(&list(MOST_VALUES + 1), soon()).await;
        assert_eq!(refused.err(), Some(Refusal::TooManyValues));
    }

    #[tokio::test]
    async fn a_body_that_is_announced_as_too_large_is_not_kept() {
        let mut headers = headers(Some("application/json"));
        headers.insert(header::CONTENT_LENGTH, (LARGEST_BODY + 1).into());
        let deadline = Instant::now() + READ_LIMIT;
        let intake = Intake::new();
        let read = intake.read(&headers, blank(1), deadline).await;
        assert_eq!(read.err(), Some(Refusal::TooLarge));
    }

    #[tokio::test]
    async fn who_dribbles_gives_back_what_it_holds() {
        let intake = Intake::new();
        let began = Instant::now();
        let timed = |body| async {
            let read = read(&intake, body).await;
            (read.map(|held| held.bytes.len()), began.elapsed())
        };
        let (slow, large, small) = futures::join!(
            timed(stalled(SMALL_BODY + 1)),
            timed(blank(LARGEST_BODY)),
            timed(blank(SMALL_BODY))
        );
        assert_eq!(slow.0, Err(Refusal::TooSlow));
        assert_eq!(small.0, Ok(SMALL_BODY));
        assert!(small.1 < READ_LIMIT, "held up by nobody");
        assert_eq!(large.0, Ok(LARGEST_BODY), "waits for memory, in time");
        assert!(large.1 >= READ_LIMIT);
        assert_eq!(intake.memory.available_permits(), HELD);
    }
}
