//! Where the dialogue of a datagram stands, as an onlooker is told.

use crate::bench::*;
use iaxproof::engine::Standing;
use iaxproof::wire::{Cause, IaxCommand};

/// Of the next frame of the client's call or registration, in clear.
fn standing(bench: &Bench, client: &mut Client) -> Standing {
    let (oseqno, timestamp) = (client.oseqno, client.timestamp);
    let octets = client.iax(IaxCommand::Ping, &[]);
    (client.oseqno, client.timestamp) = (oseqno, timestamp);
    bench.endpoint.standing(client.address, &octets)
}

#[test]
fn a_call_stands_where_its_table_has_it() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    assert_eq!(standing(&bench, &mut client), Standing::NoDialogue);
    client.new_call(&mut bench, "alice", "100");
    assert_eq!(standing(&bench, &mut client), Standing::CallAuthWait);
    client.authrep(&mut bench, "wonder");
    client.ack(&mut bench);
    assert_eq!(standing(&bench, &mut client), Standing::CallLinked);
    let mini = client.mini(20, &[0; 160]);
    let of_mini = |bench: &Bench, address| bench.endpoint.standing(address, &mini);
    assert_eq!(of_mini(&bench, client.address), Standing::CallLinked);
    let call = bench.call();
    bench.endpoint.answer(bench.now, call).unwrap();
    assert_eq!(standing(&bench, &mut client), Standing::CallUp);
    // The same numbers from elsewhere are of no dialogue.
    let stranger = Client::new(2, 500).address;
    assert_eq!(of_mini(&bench, stranger), Standing::NoDialogue);
    let hangup = bench
        .endpoint
        .hangup(bench.now, call, Cause::NORMAL_CLEARING);
    assert_eq!(hangup, Ok(()));
    assert_eq!(standing(&bench, &mut client), Standing::CallClosing);
}

#[test]
fn a_registration_stands_where_its_table_has_it() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "alice", 60);
    let challenged = Standing::RegistrationChallenged;
    assert_eq!(standing(&bench, &mut client), challenged);
    let octets = [0x00, 0x00, 0x01, 0x00];
    let of_trunk = bench.endpoint.standing(client.address, &octets);
    assert_eq!(of_trunk, Standing::NoDialogue);
}
