//! How many connections there are at once: bounded, so that their memory is. When all places are
//! taken, whoever connects gets the place of somebody idle. First goes who has never sent a review;
//! of the others, who has been silent for longest. A flood of idle connections so makes room for the
//! API server, and does not keep it out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::metrics::Metrics;

/// Every connection that there is.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    taken: Mutex<Taken>,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    seats: BTreeMap<u64, Seat>,
}

/// What is known of a connection.
#[derive(Debug)]
struct Seat {
    /// Dropped with this, which ends the connection.
    _stays: oneshot::Sender<()>,
    is_answering: bool,
    has_sent_reviews: bool,
    /// When it was last heard of.
    last: Instant,
}

/// The place of one connection, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Arc<Connections>,
    number: u64,
}

impl Connections {
    pub(crate) fn at_most(most: usize, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
            metrics,
        })
    }

    /// A place, and what resolves when it has to be given up; none where everybody is being answered.
    pub(crate) fn take(self: &Arc<Self>) -> Option<(Arc<Place>, oneshot::Receiver<()>)> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.seats.len() >= self.most {
            let Some(number) = taken.dispensable() else {
                self.metrics.turned_away("full");
                return None;
            };
            taken.seats.remove(&number);
            self.metrics.turned_away("idle");
        }
        let number = taken.next;
        taken.next += 1;
        let (stays, ends) = oneshot::channel();
        let seat = Seat {
            _stays: stays,
            is_answering: false,
            has_sent_reviews: false,
            last: Instant::now(),
        };
        taken.seats.insert(number, seat);
        self.metrics.connections(taken.seats.len());
        let connections = Arc::clone(self);
        let place = Place {
            connections,
            number,
        };
        Some((Arc::new(place), ends))
    }
}

impl Taken {
    fn dispensable(&self) -> Option<u64> {
        let idle = self.seats.iter().filter(|(_, seat)| !seat.is_answering);
        let first = idle.min_by_key(|(_, seat)| (seat.has_sent_reviews, seat.last));
        first.map(|(number, _)| *number)
    }
}

impl Place {
    /// A request has come: until the answer is there, nobody takes this place.
    pub(crate) fn answering(&self) {
        self.heard(|seat| seat.is_answering = true);
    }

    /// The answer is there.
    pub(crate) fn answered(&self, review: bool) {
        self.heard(|seat| {
            seat.is_answering = false;
            seat.has_sent_reviews |= review;
        });
    }

    fn heard(&self, change: impl FnOnce(&mut Seat)) {
        let taken = &self.connections.taken;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have been taken just now.
        if let Some(seat) = taken.seats.get_mut(&self.number) {
            seat.last = Instant::now();
            change(seat);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let taken = &self.connections.taken;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.seats.remove(&self.number);
        self.connections.metrics.connections(taken.seats.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Arc<Connections> {
        Connections::at_most(3, Arc::default())
    }

    fn is_over(ends: &mut oneshot::Receiver<()>) -> bool {
        ends.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn the_place_of_somebody_who_sends_no_reviews_is_taken_first() {
        let connections = three();
        let (api_server, mut ends_api_server) = connections.take().unwrap();
        api_server.answering();
        api_server.answered(true);
        let (_idle, mut ends_idle) = connections.take().unwrap();
        let (probe, mut ends_probe) = connections.take().unwrap();
        probe.answering();
        probe.answered(false);
        let (new, mut ends_new) = connections.take().unwrap();
        assert!(is_over(&mut ends_idle) && !is_over(&mut ends_probe));
        new.answering();
        let second = connections.take().unwrap();
        assert!(is_over(&mut ends_probe) && !is_over(&mut ends_new));
        assert!(!is_over(&mut ends_api_server));
        drop(second);
        // One place is free again.
        let (_third, mut ends_third) = connections.take().unwrap();
        assert!(!is_over(&mut ends_api_server) && !is_over(&mut ends_third));
    }

    #[test]
    fn who_is_being_answered_stays() {
        let connections = three();
        let busy: Vec<_> = (0..3).map(|_| connections.take().unwrap()).collect();
        for (place, _) in &busy {
            place.answering();
        }
        assert!(connections.take().is_none());
        busy[1].0.answered(true);
        let (_new, _) = connections.take().unwrap();
        assert!(connections.taken.lock().unwrap().seats.len() == 3);
        // What was taken away is not missed by whoever takes another's.
        drop(busy);
        assert_eq!(connections.taken.lock().unwrap().seats.len(), 1);
    }
}
