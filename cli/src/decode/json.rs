//! A line of the listing as an object of JSON: the same, with the fields apart.

use iaxproof::wire::{Body, Frame, FullFrame, InformationElements, MetaFrame};
use serde_json::{Value, json};

use super::Line;
use super::link::{Content, Datagram};

/// `number`, `time`, then `not_iax2`, or `source`, `destination` and either `refused` with `octet`, or `line` and the fields
/// of the frame's `class`. Secrets are withheld here too.
pub(super) fn object(line: &Line<'_>) -> Value {
    let time = line.packet.time.as_secs_f64();
    let mut object = json!({ "number": line.packet.number, "time": time });
    match &line.content {
        Content::Other(what) => merge(&mut object, json!({ "not_iax2": what })),
        Content::Datagram(datagram) => merge(&mut object, of_datagram(datagram)),
    }
    object
}

fn of_datagram(datagram: &Datagram<'_>) -> Value {
    let (source, destination) = (
        datagram.source.to_string(),
        datagram.destination.to_string(),
    );
    let mut object = json!({ "source": source, "destination": destination });
    match Frame::parse(datagram.payload) {
        Ok(frame) => merge(&mut object, of_frame(&frame)),
        Err(error) => {
            let reason = error.reason.to_string();
            merge(
                &mut object,
                json!({ "refused": reason, "octet": error.offset }),
            );
        }
    }
    object
}

fn of_frame(frame: &Frame<'_>) -> Value {
    let mut object = match frame {
        Frame::Full(frame) => of_full(frame),
        Frame::Mini(frame) => json!({
            "class": "mini",
            "source_call": frame.source().get(),
            "timestamp": frame.timestamp(),
            "octets": frame.data().len(),
        }),
        Frame::MiniVideo(frame) => json!({
            "class": "mini video",
            "source_call": frame.source().get(),
            "marker": frame.marker(),
            "timestamp": frame.timestamp(),
            "octets": frame.data().len(),
        }),
        Frame::Meta(frame) => of_trunk(frame),
    };
    merge(&mut object, json!({ "line": frame.to_string() }));
    object
}

fn of_full(frame: &FullFrame<'_>) -> Value {
    let mut object = json!({
        "class": "full",
        "source_call": frame.source.get(),
        "destination_call": frame.destination.get(),
        "retransmission": frame.retransmission,
        "timestamp": frame.timestamp.0,
        "oseqno": frame.oseqno.0,
        "iseqno": frame.iseqno.0,
        "type": frame.body.frame_type(),
        "subclass": frame.body.subclass(),
        "body": frame.body.to_string(),
        "octets": frame.body.data().len(),
    });
    if let Body::Iax { command, ies } = frame.body {
        let elements = elements(ies);
        merge(
            &mut object,
            json!({ "command": command.to_string(), "elements": elements }),
        );
    }
    object
}

fn elements(ies: InformationElements<'_>) -> Vec<Value> {
    ies.iter()
        .map(|ie| json!({ "code": ie.code(), "text": ie.to_string() }))
        .collect()
}

fn of_trunk(frame: &MetaFrame<'_>) -> Value {
    let entries: Vec<Value> = frame
        .entries
        .iter()
        .map(|entry| {
            json!({
                "source_call": entry.source().get(),
                "timestamp": entry.timestamp(),
                "octets": entry.data().len(),
            })
        })
        .collect();
    json!({ "class": "trunk", "timestamp": frame.timestamp.0, "entries": entries })
}

fn merge(object: &mut Value, fields: Value) {
    if let (Value::Object(object), Value::Object(fields)) = (object, fields) {
        object.extend(fields);
    }
}
