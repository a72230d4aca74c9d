//! What the endpoint keeps for calls that the application places: places for those that wait for the database, and where to find a
//! call by the number of its other side.

use crate::bench::*;
use iaxproof::catalog::Answer;
use iaxproof::engine::outgoing::WAITING_CALLS_MAX;
use iaxproof::engine::settings::{General, Secret};
use iaxproof::engine::{Calling, Dial, EndpointOptions, Error, Event};
use iaxproof::wire::{Body, Format, FullFrame, IaxCommand, InformationElement, SeqNo};

/// A call or a word that waits has a place, and gives it back when the answer comes.
#[test]
fn those_that_wait_for_the_database_give_their_places_back() {
    let mut bench = Bench::with(EndpointOptions::default(), General::default(), true);
    for round in 0..=WAITING_CALLS_MAX {
        let query = match round % 2 {
            0 => match bench.endpoint.call_peer(bench.now, "nobody", "100") {
                Ok(Calling::Asked(query)) => query,
                other => panic!("round {round}: {other:?}"),
            },
            _ => bench.endpoint.look_for_peer("nobody").unwrap().unwrap(),
        };
        let directory = bench.endpoint.directory();
        assert_eq!(directory.poll_question().unwrap().id, query);
        directory.answer(query, Answer::Absent, bench.now);
        bench.endpoint.handle_answer(bench.now, query);
        bench.drain();
        let nobody = Err(Error::UnknownPeer);
        match bench.events.pop() {
            Some(Event::Called { call, .. }) => assert_eq!(call.map(drop), nobody),
            Some(Event::LookedFor { found, .. }) => assert_eq!(found, nobody),
            event => panic!("round {round}: {event:?}"),
        }
    }
}

/// A mini frame names its sender's number alone: the call that we placed is found by it, from the first answer on.
#[test]
fn a_call_that_we_placed_is_found_by_the_number_of_its_other_side() {
    let mut bench = Bench::new();
    let dial = Dial {
        secrets: vec![Secret::new("wonder")],
        ..Dial::new(address(9), "100")
    };
    bench.endpoint.call(bench.now, dial).unwrap();
    bench.drain();
    let mut callee = Client::new(9, 777);
    callee.take(&mut bench);
    let first = FullFrame::parse(&callee.received[0]).unwrap();
    (callee.destination, callee.iseqno) = (first.source, SeqNo(1));
    let format = InformationElement::Format(Format::ULAW.mask() as u32);
    callee.send_iax(&mut bench, IaxCommand::Accept, &[format]);
    let voice = Body::Voice {
        format: Format::ULAW,
        data: &[1; 160],
    };
    callee.send(&mut bench, voice);
    let mini = callee.mini(40, &[2; 160]);
    bench.deliver(callee.address, &mini);
    let heard = bench.events.iter().filter_map(|event| match event {
        Event::Voice { data, .. } => Some(data[0]),
        _ => None,
    });
    assert_eq!(heard.collect::<Vec<_>>(), [1, 2]);
}
