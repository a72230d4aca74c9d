//! Claims of workers: whose media of an address and call number is, where the system gave it to another worker.

use core::net::SocketAddr;

use iaxproof::engine::WorkerId;
use iaxproof::engine::directory::{Directory, Role};
use iaxproof::wire::CallNumber;

use crate::bench::*;

fn from(last: u8, number: u16) -> (SocketAddr, CallNumber) {
    (
        address(last),
        CallNumber::new(number).expect("fifteen bits"),
    )
}

#[test]
fn a_claim_is_found_by_address_and_number_until_it_is_given_up() {
    let catalog = plain(false);
    let (first, second) = (WorkerId(1), WorkerId(2));
    catalog.claim(from(1, 7), first);
    catalog.claim(from(1, 8), second);
    catalog.claim(from(2, 7), second);
    assert_eq!(catalog.claims(), 3);
    assert_eq!(catalog.claimant(from(1, 7)), Some(first));
    assert_eq!(catalog.claimant(from(2, 7)), Some(second));
    assert_eq!(catalog.claimant(from(2, 8)), None);
    assert_eq!(catalog.claimants(address(1)), [first, second]);
    assert_eq!(catalog.claimants(address(3)), []);
    catalog.unclaim(from(1, 7), first);
    assert_eq!((catalog.claims(), catalog.claimant(from(1, 7))), (2, None));
}

#[test]
fn several_claims_of_a_worker_name_it_once_and_a_younger_claim_stays() {
    let catalog = plain(false);
    let (first, second) = (WorkerId(1), WorkerId(2));
    catalog.claim(from(1, 7), first);
    catalog.claim(from(1, 8), first);
    assert_eq!(catalog.claimants(address(1)), [first]);
    catalog.claim(from(1, 7), second);
    catalog.unclaim(from(1, 7), first);
    assert_eq!(catalog.claimant(from(1, 7)), Some(second));
}

#[test]
fn texts_name_a_catalog_and_an_entry_and_show_no_secret() {
    let catalog = plain(false);
    catalog.reload(configuration(3, vec![peer("alice")]));
    let entry = catalog.entry(Role::Peer, "alice").expect("it is linked");
    assert!(catalog.entry(Role::User, "alice").is_none());
    let text = format!("{:?}", &*entry);
    assert!(
        text.starts_with("Entry { name: ")
            && text.contains("alice")
            && text.ends_with("role: Peer, .. }"),
        "{text}"
    );
    let text = format!("{catalog:?}");
    assert!(
        text.starts_with("Catalog { peers: Registry { shards: 4, .. }, users: "),
        "{text}"
    );
}
