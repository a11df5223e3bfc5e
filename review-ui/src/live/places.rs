//! How many streams there may be: a browser opens about six connections to one address, and its pages need some of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::metric;

/// Streams of one session here. Further windows of the same browser ask now and then instead.
const PER_SESSION: usize = 4;
/// Streams in all. Each costs a task and a socket, and a look at its session now and then.
const IN_ALL: usize = 2_000;

/// The streams that are open here.
#[derive(Debug, Default)]
pub struct Places {
    /// By the hash of the session's token.
    open: Mutex<HashMap<[u8; 32], usize>>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    Session,
    Instance,
}

/// Given back when dropped.
#[derive(Debug)]
pub struct Place {
    session: [u8; 32],
    places: Arc<Places>,
}

impl Places {
    /// A place for one more stream of a session.
    pub fn take(self: &Arc<Self>, token: &str) -> Result<Place, Full> {
        let session = Sha256::digest(token).into();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&session).is_some_and(|held| *held >= PER_SESSION) {
            return Err(Full::Session);
        }
        if open.values().sum::<usize>() >= IN_ALL {
            return Err(Full::Instance);
        }
        *open.entry(session).or_default() += 1;
        metrics::gauge!(metric::STREAMS).increment(1.0);
        Ok(Place { session, places: Arc::clone(self) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = open.get_mut(&self.session) {
            *held -= 1;
            if *held == 0 {
                open.remove(&self.session);
            }
        }
        metrics::gauge!(metric::STREAMS).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_so_many_places_and_gets_them_back() {
        let places = Arc::new(Places::default());
        let held: Vec<Place> = (0..PER_SESSION).map(|_| places.take("a").unwrap()).collect();
        assert_eq!(places.take("a").unwrap_err(), Full::Session);
        assert!(places.take("b").is_ok(), "another session has its own");
        drop(held);
        assert!(places.open.lock().unwrap().is_empty());
    }

    #[test]
    fn an_instance_has_so_many_places_in_all() {
        let places = Arc::new(Places::default());
        let held: Vec<Place> = (0..IN_ALL).map(|number| places.take(&number.to_string()).unwrap()).collect();
        assert_eq!(places.take("one more").unwrap_err(), Full::Instance);
        drop(held);
        assert!(places.take("one more").is_ok());
    }
}
