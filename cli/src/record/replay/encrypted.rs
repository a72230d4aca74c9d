//! Encrypted calls, recorded and replayed: with other keys the same is said and heard, and nothing of the true ones is in the file.

use iaxproof::engine::cipher;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{
    Configuration, Encryption, General, Host, Name, Secret, Settings,
};
use iaxproof::wire::{
    Body, Control, EncryptionMethods, Format, FullFrame, IaxCommand, IeBuffer, InformationElement,
};

use super::phone::{Phone, Rig, is};
use super::run;
use crate::report::Verdict;

const ANN: ([u8; 4], u16) = ([192, 0, 2, 1], 4_001);
const BOB: ([u8; 4], u16) = ([192, 0, 2, 2], 4_002);
/// Those of ann, the first that was had by her, and that of bob.
const SECRETS: [&str; 3] = [
    "the-older-of-ann",
    "the-newer-of-ann",
    "the-only-one-of-bob",
];

fn configuration() -> Configuration {
    let entry = |role, name: &str, secrets: &[&str], encryption| Settings {
        secrets: secrets.iter().map(|it| Secret::new(it)).collect(),
        encryption,
        ..Settings::new(role, Name::new(name).unwrap())
    };
    Configuration {
        general: General {
            token_optional: vec!["0.0.0.0/0".parse().unwrap()],
            ..General::default()
        },
        entries: vec![
            entry(Role::User, "ann", &SECRETS[..2], Encryption::Offered),
            Settings {
                host: Host::Fixed(BOB.into()),
                ..entry(Role::Peer, "bob", &SECRETS[2..], Encryption::Forced)
            },
            entry(Role::User, "guest", &[], Encryption::Off),
        ],
    }
}

/// A recording of what is done here; the replay of it must hold, and nothing in it may be sealed with a true key.
fn recorded(workers: u16, talk: impl FnOnce(&mut Rig) -> Vec<[u8; 16]>) {
    let folder = tempfile::tempdir().unwrap();
    let path = &folder.path().join("record");
    let mut rig = Rig::begin(path, workers, configuration());
    let keys = talk(&mut rig);
    let wire = rig.finish();
    assert_eq!(run(path, false).unwrap(), Verdict::Held);
    let file = std::fs::read(path).unwrap();
    let has = |what: &[u8]| file.windows(what.len()).any(|it| it == what);
    for secret in SECRETS {
        assert!(!has(secret.as_bytes()), "{secret}");
    }
    for key in keys {
        let digits: String = key.iter().map(|it| format!("{it:02x}")).collect();
        assert!(!has(&key) && !has(digits.as_bytes()), "{digits}");
    }
    let sealed = wire.iter().filter(|it| is_sealed_by_any(it));
    assert!(sealed.clone().count() > 3);
    for datagram in sealed {
        let last = &datagram[datagram.len() - 16..];
        assert!(!has(last), "{datagram:02x?}");
    }
}

/// What begins and ends as nothing in clear that is said here.
fn is_sealed_by_any(datagram: &[u8]) -> bool {
    let is_clear = match FullFrame::parse(datagram) {
        Ok(frame) => !matches!(frame.body, Body::Unknown(_)),
        Err(_) => datagram[datagram.len() - 4..] == *b"loud",
    };
    !is_clear && cipher::is_sealed(datagram)
}

fn key(challenge: &[u8], secret: &str) -> [u8; 16] {
    let digits = iaxproof::engine::auth::md5_result(challenge, &Secret::new(secret));
    let digits = core::str::from_utf8(&digits).unwrap();
    core::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
}

/// A full frame of audio.
fn voice(data: &[u8]) -> Body<'_> {
    let format = Format::ULAW;
    Body::Voice { format, data }
}

fn rtkey(key: &[u8; 16]) -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Challenge(key));
    ies
}

fn rotation<'a>(ies: &'a IeBuffer) -> Body<'a> {
    Body::Iax {
        command: IaxCommand::RtKey,
        ies: ies.view(),
    }
}

/// Whether audio ends so.
fn hears(heard: &[Vec<u8>], data: &[u8]) -> bool {
    heard.iter().any(|octets| octets.ends_with(data))
}

/// Octets of no meaning behind these.
fn noise(head: &[u8], len: usize, number: u8) -> Vec<u8> {
    let rest = (0..len as u8).map(|at| at.wrapping_mul(151) ^ number.wrapping_mul(89));
    head.iter().copied().chain(rest).collect()
}

/// Noise of all lengths under the numbers of a call, full and mini.
fn disturb(rig: &mut Rig, phone: &Phone) {
    let [a, b] = phone.number.to_be_bytes();
    let [c, d] = phone.theirs.to_be_bytes();
    for number in 0..40 {
        let len = 30 + usize::from(number);
        rig.come(phone.address, &noise(&[a | 0x80, b, c, d], len, number));
        rig.come(phone.address, &noise(&[a, b], len, number));
    }
}

#[test]
fn an_encrypted_call_with_audio_both_ways_and_rotated_keys_replays() {
    recorded(1, |rig| {
        let mut ann = Phone::new(rig, ANN.into(), 7);
        ann.dial(rig, "ann", "echo");
        let challenge = ann.challenged(rig);
        ann.prove(rig, &challenge, SECRETS[1]);
        ann.say(rig, voice(b"the first is loud"));
        let mini = ann.mini(rig, b"and so is this loud");
        rig.come(ann.address, &mini);
        let heard = ann.hear(rig);
        assert!(hears(&heard, b"first is loud") && hears(&heard, b"so is this loud"));
        disturb(rig, &ann);
        // A key that is not in force yet, for something before it is missing.
        let first = ann.sealing.clone();
        let (second, third) = ([0x5a; 16], [0xa5; 16]);
        let (second_ies, third_ies) = (rtkey(&second), rtkey(&third));
        let missing = ann.next(rig, Body::Text(b"lost"));
        let early = ann.next(rig, rotation(&second_ies));
        rig.come(ann.address, &early);
        let still = ann.mini(rig, b"under the old key, loud");
        rig.come(ann.address, &still);
        assert!(hears(&ann.hear(rig), b"under the old key, loud"));
        rig.come(ann.address, &missing);
        rig.come(ann.address, &early);
        // Now it is. What was sealed before is noise as a mini frame, and counts as a full one.
        ann.hear(rig);
        rig.come(ann.address, &still);
        rig.come(ann.address, &early);
        ann.sealing = cipher::Key::from_octets(&second);
        let mini = ann.mini(rig, b"under the new key, loud");
        rig.come(ann.address, &mini);
        assert!(hears(&ann.hear(rig), b"under the new key, loud"));
        ann.sealing = first.clone();
        ann.say(rig, Body::Text(b"said before"));
        ann.sealing = cipher::Key::from_octets(&second);
        ann.say(rig, rotation(&third_ies));
        disturb(rig, &ann);
        ann.sealing = first;
        let outdated = ann.next(rig, Body::Text(b"two keys ago"));
        ann.oseqno = ann.oseqno.wrapping_sub(1);
        rig.come(ann.address, &outdated);
        ann.sealing = cipher::Key::from_octets(&third);
        ann.hear(rig);
        let mini = ann.mini(rig, b"under the third, loud");
        rig.come(ann.address, &mini);
        assert!(hears(&ann.hear(rig), b"under the third, loud"));
        rig.wait(25_000);
        ann.hear(rig);
        ann.message(rig, IaxCommand::Hangup, &IeBuffer::new());
        ann.hear(rig);
        // The call is over: all this comes too late.
        rig.come(ann.address, &mini);
        rig.come(ann.address, &early);
        disturb(rig, &ann);
        vec![
            key(&challenge, SECRETS[1]),
            key(&challenge, SECRETS[0]),
            second,
            third,
        ]
    });
}

#[test]
fn either_secret_and_a_wrong_one_replay_and_so_does_the_call_after_them() {
    recorded(1, |rig| {
        let mut keys = Vec::new();
        let logins = [
            (7, SECRETS[0], true),
            (8, "of somebody else", false),
            (9, SECRETS[1], true),
            (10, SECRETS[1], false),
        ];
        for (number, secret, is_good) in logins {
            let mut ann = Phone::new(rig, ANN.into(), number);
            ann.dial(rig, "ann", "echo");
            let challenge = ann.challenged(rig);
            if number == 10 {
                // The challenge is good for one answer.
                disturb(rig, &ann);
            }
            ann.prove(rig, &challenge, secret);
            keys.push(key(&challenge, secret));
            disturb(rig, &ann);
            rig.wait(2_000);
            ann.say(rig, voice(b"hello, loud"));
            assert_eq!(hears(&ann.hear(rig), b"hello, loud"), is_good, "{number}");
            ann.message(rig, IaxCommand::Hangup, &IeBuffer::new());
        }
        // In clear, under a number that a key was for.
        let mut guest = Phone::new(rig, ANN.into(), 9);
        guest.dial(rig, "guest", "echo");
        guest.hear(rig);
        for _ in 0..3 {
            guest.say(rig, voice(b"nobody has to hide that it is loud"));
            let mini = guest.mini(rig, b"thirty octets and two, very loud");
            rig.come(guest.address, &mini);
            assert!(hears(&guest.hear(rig), b"and two, very loud"));
        }
        keys
    });
}

#[test]
fn a_call_that_the_server_places_is_encrypted_with_another_key_too() {
    recorded(2, |rig| {
        let mut ann = Phone::new(rig, ANN.into(), 7);
        ann.dial(rig, "ann", "bob");
        let of_ann = ann.challenged(rig);
        ann.prove(rig, &of_ann, SECRETS[0]);
        let mut bob = Phone::new(rig, BOB.into(), 12);
        assert!(!bob.hear(rig).is_empty(), "NEW");
        let of_bob = *b"1234567";
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::AuthMethods(
            iaxproof::wire::AuthMethods::MD5,
        ))
        .push(InformationElement::Challenge(&of_bob))
        .push(InformationElement::Encryption(EncryptionMethods::AES128));
        bob.message(rig, IaxCommand::AuthReq, &ies);
        bob.agree(&of_bob, SECRETS[2]);
        let answered = bob.hear(rig);
        assert!(answered.iter().any(|it| is(it, IaxCommand::AuthRep)));
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Format(4));
        bob.message(rig, IaxCommand::Accept, &ies);
        bob.say(
            rig,
            Body::Control {
                control: Control::Answer,
                data: &[],
            },
        );
        // Each hears the other, through two keys.
        for (from, to) in [(true, b"from ann, loud"), (false, b"from bob, loud")] {
            let (speaker, listener) = match from {
                true => (&mut ann, &mut bob),
                false => (&mut bob, &mut ann),
            };
            listener.hear(rig);
            speaker.say(rig, voice(to));
            let mini = speaker.mini(rig, to);
            rig.come(speaker.address, &mini);
            assert_eq!(
                listener
                    .hear(rig)
                    .iter()
                    .filter(|it| it.ends_with(to))
                    .count(),
                2
            );
        }
        disturb(rig, &bob);
        // Nobody acknowledges: it goes out again, under the same keys.
        assert!(rig.handed > 5, "{} were handed over", rig.handed);
        rig.wait(1_500);
        rig.wait(3_000);
        bob.message(rig, IaxCommand::Hangup, &IeBuffer::new());
        vec![key(&of_ann, SECRETS[0]), key(&of_bob, SECRETS[2])]
    });
}
