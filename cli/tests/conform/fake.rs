//! Servers that are none: they say nothing, or the same to everything.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::UdpSocket;

use iaxproof::wire::{
    Body, CallNumber, FullFrame, IaxCommand, IeBuffer, InformationElement, InformationElements,
};

/// An address where nobody ever answers, for as long as the socket lives.
pub(crate) fn silent() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

/// An address where every datagram is answered by these. It lives as long as the process.
pub(crate) fn server(answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> String {
    let (socket, address) = silent();
    std::thread::spawn(move || {
        let mut octets = [0; 4_096];
        while let Ok((len, from)) = socket.recv_from(&mut octets) {
            for answer in answers(&octets[..len]) {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    address
}

/// One where every full frame is answered by this message without elements, from call 77.
pub(crate) fn parrot(command: IaxCommand) -> String {
    server(move |datagram| {
        let frame = FullFrame::parse(datagram).ok();
        let answer = frame.map(|frame| answer(&frame, 77, command, InformationElements::EMPTY));
        answer.into_iter().collect()
    })
}

/// One where everything is answered, whatever it is, by INVAL.
pub(crate) fn babbler() -> String {
    let inval = [
        0x80,
        77,
        0,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        6,
        IaxCommand::Inval.octet(),
    ];
    server(move |_| vec![inval.to_vec()])
}

/// One where each opener gets two CALLTOKENs.
pub(crate) fn stutterer() -> String {
    server(|datagram| {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CallToken(b"token"));
        let frame = FullFrame::parse(datagram).unwrap();
        vec![answer(&frame, 1, IaxCommand::CallToken, ies.view()); 2]
    })
}

fn answer(
    to: &FullFrame<'_>,
    source: u16,
    command: IaxCommand,
    ies: InformationElements<'_>,
) -> Vec<u8> {
    let frame = FullFrame {
        source: CallNumber::new(source).unwrap(),
        destination: to.source,
        retransmission: false,
        timestamp: to.timestamp,
        oseqno: to.iseqno,
        iseqno: to.oseqno.next(),
        body: Body::Iax { command, ies },
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}
