//! What an entry counts of itself, and shows to an operator.

use crate::bench::*;
use iaxproof::catalog::Counters;
use iaxproof::engine::directory::{Directory, Expiry};

#[test]
fn registrations_releases_and_expiries_are_counted_one_by_one() {
    let catalog = plain(false);
    catalog.reload(configuration(1, vec![peer("alice")]));
    let handle = found(&catalog, "alice");
    register(&catalog, &handle, address(1), at(100));
    register(&catalog, &handle, address(1), at(200));
    assert!(catalog.release(&handle).is_ok());
    let generation = register(&catalog, &handle, address(2), at(300));
    assert_eq!(
        catalog.expire(&handle, generation, at(299)),
        Ok(Expiry::Superseded)
    );
    assert_eq!(
        catalog.expire(&handle, generation, at(300)),
        Ok(Expiry::Expired)
    );
    catalog.reload(configuration(2, vec![peer("alice")]));
    let expected = Counters {
        registrations: 3,
        releases: 1,
        expiries: 1,
        publications: 1,
    };
    assert_eq!(status(&catalog, "alice").counters, expected);
}

/// Who finds another's change under way has changed nothing, and is not counted.
#[test]
fn who_has_to_wait_is_not_counted() {
    let catalog = plain(true);
    let handle = load(&catalog, row(peer("alice")), at(0));
    register(&catalog, &handle, address(1), at(100));
    let refused = loop {
        match catalog.register(&handle, address(2), at(200)) {
            Ok(_) => {}
            Err(refused) => break refused,
        }
    };
    let before = status(&catalog, "alice").counters;
    assert_eq!(catalog.release(&handle), Err(refused));
    assert!(catalog.register(&handle, address(3), at(200)).is_err());
    assert_eq!(status(&catalog, "alice").counters, before);
}
