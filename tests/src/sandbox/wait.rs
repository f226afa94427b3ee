//! Waiting for a condition, with a deadline.

use std::{future::Future, time::Duration};

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep, timeout_at};

/// Time between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks again and again until there is an answer, at most `limit` long.
///
/// An error is taken as "not yet": the last one is reported when the time is over.
pub async fn wait_for<T, F, A>(what: &str, limit: Duration, mut ask: F) -> Result<T>
where
    F: FnMut() -> A,
    A: Future<Output = Result<Option<T>>>,
{
    let deadline = Instant::now() + limit;
    let mut last = None;
    while Instant::now() < deadline {
        match timeout_at(deadline, ask()).await {
            Ok(Ok(Some(answer))) => return Ok(answer),
            Ok(Ok(None)) => last = None,
            Ok(Err(error)) => last = Some(error),
            Err(_) => break,
        }
        sleep(PAUSE).await;
    }
    match last {
        Some(error) => Err(error.context(format!("{what}: not within {limit:?}"))),
        None => bail!("{what}: not within {limit:?}"),
    }
}
