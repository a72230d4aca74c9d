//! Sessions of a web server, each with a count of its requests. The cache names no lock and no counter but its [`Family`]'s: a server
//! names `Std`; the test below names the families of two explorers, which visit every interleaving of this very code.

use iaxproof::registry::{Family, HashKey, Object, Ref, Registry};

/// How many requests it had; `None` once that was told, for a request that found it before must not count any more.
struct Session<F: Family>(F::Mutex<Option<u64>>);

impl<F: Family> Object<F> for Session<F> {
    const KIND: &'static str = "session";
    fn release(&self) {}
}

/// Sessions by their token.
pub struct Cache<F: Family>(Registry<String, Session<F>, F>);

impl<F: Family> Cache<F> {
    /// No session. A server's key is random, for tokens come from the network.
    pub fn new(ledger: F::Ledger, key: HashKey) -> Self {
        Cache(Registry::hash(ledger, key, 16))
    }
    /// Begins a session, unless the token has one.
    pub fn log_in(&self, token: &str) -> bool {
        let session = Ref::new(self.0.ledger(), Session(F::mutex(Some(0))));
        self.0.link(token.to_owned(), session).is_ok()
    }
    /// Counts a request of the session, if there is one.
    pub fn serve(&self, token: &str) -> Option<u64> {
        let session = self.0.find(token)?;
        F::lock(&session.0).as_mut().map(|requests| {
            *requests += 1;
            *requests
        })
    }
    /// Ends the session, and says how many requests it had.
    pub fn log_out(&self, token: &str) -> Option<u64> {
        let session = self.0.unlink(token)?;
        F::lock(&session.0).take()
    }
}

#[test]
fn each_request_that_was_served_is_counted() {
    use iaxproof_models::explore::{Enumeration::Reduced, with_loom, with_shuttle};
    use iaxproof_models::{Account, End, Explorer, Loom, Shuttle};
    fn request_beside_log_out<E: Explorer>() -> String {
        let cache = std::sync::Arc::new(Cache::<E>::new(Account::default(), HashKey(1, 2)));
        cache.log_in("token");
        let other = cache.clone();
        let (served, told) = E::beside(move || other.serve("token"), || cache.log_out("token"));
        assert_eq!(served.or(Some(0)), told, "requests served, and told");
        format!("{served:?}")
    }
    let loom = with_loom(request_beside_log_out::<Loom>, None, Box::new(|| false));
    let shuttle = request_beside_log_out::<Shuttle>;
    let other = with_shuttle(shuttle, Reduced, Box::new(|| false));
    assert_eq!([loom.end, other.end], [End::Exhausted, End::Exhausted]);
    assert!(loom.outcomes.keys().eq(other.outcomes.keys()));
}
