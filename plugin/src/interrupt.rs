//! Ctrl-C, and who is told of it.
//!
//! Once anything has asked the system to tell of it, Ctrl-C ends the process no more by itself, until
//! the process ends. So all that wait for it do so here: of these, the innermost is told, and where
//! nothing waits, [`unheard`] does what the system would have done.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::Notify;

use crate::failure::Failure;

thread_local! {
    static WAITING: RefCell<Vec<Rc<Notify>>> = const { RefCell::new(Vec::new()) };
    /// That something has waited for it.
    static ASKED: Rc<Notify> = Rc::default();
}

/// Something that waits, until it is dropped.
pub(crate) struct Waiting(Rc<Notify>);

impl Waiting {
    /// From here on it is told of Ctrl-C.
    pub(crate) async fn begin() -> Self {
        let told = Rc::new(Notify::new());
        WAITING.with_borrow_mut(|waiting| waiting.push(Rc::clone(&told)));
        ASKED.with(|asked| asked.notify_one());
        let waiting = Self(told);
        // Lets `unheard` ask the system, where this is the first.
        tokio::task::yield_now().await;
        waiting
    }

    /// Waits for Ctrl-C.
    pub(crate) async fn ctrl_c(&self) {
        self.0.notified().await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.with_borrow_mut(|waiting| waiting.retain(|one| !Rc::ptr_eq(one, &self.0)));
    }
}

/// Waits for Ctrl-C, unless something that began later does.
pub(crate) async fn ctrl_c() {
    Waiting::begin().await.ctrl_c().await;
}

/// Does it until it is done, or until a Ctrl-C that the work itself does not wait for.
///
/// # Errors
/// The work's; Ctrl-C.
pub(crate) async fn or_interrupted<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    // Began before the work, so that what waits within it is told first.
    let waiting = Waiting::begin().await;
    tokio::select! {
        biased;
        result = work => result,
        () = waiting.ctrl_c() => Err(Failure::interrupted("interrupted")),
    }
}

/// Tells of every Ctrl-C; ends with one that nothing waits for.
pub(crate) async fn unheard() {
    ASKED.with(Rc::clone).notified().await;
    while tokio::signal::ctrl_c().await.is_ok() {
        if !press() {
            return;
        }
    }
    // It cannot be told of on this system: it ends the process as ever.
    std::future::pending::<()>().await;
}

/// Tells what waits; whether anything does.
pub(crate) fn press() -> bool {
    let innermost = WAITING.with_borrow(|waiting| waiting.last().cloned());
    innermost.inspect(|told| told.notify_one()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_innermost_is_told() {
        let within = async {
            let waiting = Waiting::begin().await;
            assert!(press());
            waiting.ctrl_c().await;
            Ok("within")
        };
        assert_eq!(or_interrupted(within).await.unwrap(), "within");
        assert!(!press());
    }

    #[tokio::test]
    async fn work_that_does_not_wait_for_it_is_ended() {
        let work = async {
            assert!(press());
            std::future::pending::<Result<(), Failure>>().await
        };
        let failure = or_interrupted(work).await.unwrap_err();
        assert!(failure.is_interruption());
    }
}
