//! Shortens messages that are too large while they arrive, so that no message ends the connection or fills the memory.

use bytes::{BufMut, BytesMut};

use super::payload::PAYLOAD_MAX;

/// Bytes of a payload that pass: one more than the parser takes, so that the parser refuses the message and it is counted.
const PAYLOAD_KEPT: usize = PAYLOAD_MAX + 1;
/// Packet type of a message, the upper half of the first byte.
const PUBLISH: u8 = 3;
/// Most bytes of a remaining length.
const LENGTH_BYTES_MAX: usize = 4;

/// A remaining length that does not end with its fourth byte. The stream cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the length of a packet has more than {LENGTH_BYTES_MAX} bytes")]
pub(super) struct MalformedLength;

/// Copies a stream of MQTT 3.1.1 packets and cuts each payload after its first [`PAYLOAD_KEPT`] bytes.
///
/// Every other packet, and a message that is not larger, is copied byte for byte.
#[derive(Debug, Default)]
pub(super) struct FrameShortener {
    /// First bytes of a packet whose end is not known yet, seven at most.
    head: Vec<u8>,
    /// Bytes of the packet that are still to be copied.
    copy: usize,
    /// Bytes behind them that are to be left out.
    skip: usize,
}

impl FrameShortener {
    /// Takes the next bytes of the stream and appends those that stay.
    ///
    /// # Errors
    /// [`MalformedLength`]; the connection must be closed.
    pub(super) fn shorten(
        &mut self,
        mut input: &[u8],
        output: &mut BytesMut,
    ) -> Result<(), MalformedLength> {
        while let Some((&byte, rest)) = input.split_first() {
            if self.copy > 0 {
                let (copied, rest) = input.split_at(self.copy.min(input.len()));
                output.put_slice(copied);
                self.copy -= copied.len();
                input = rest;
            } else if self.skip > 0 {
                let skipped = self.skip.min(input.len());
                self.skip -= skipped;
                input = &input[skipped..];
            } else {
                self.head.push(byte);
                input = rest;
                if let Some(packet) = PacketHead::read(&self.head)? {
                    packet.write_head(output);
                    self.copy = packet.kept - packet.body.len();
                    self.skip = packet.length - packet.kept;
                    self.head.clear();
                }
            }
        }
        Ok(())
    }
}

/// The beginning of a packet, with enough bytes to know its end.
struct PacketHead<'a> {
    first: u8,
    /// Its remaining length as it came.
    length_bytes: &'a [u8],
    length: usize,
    /// The part of the remaining length that passes.
    kept: usize,
    /// The bytes that came behind the remaining length: none, or the length of the topic.
    body: &'a [u8],
}

impl<'a> PacketHead<'a> {
    /// Reads the head of a packet; `None` when it needs another byte.
    fn read(head: &'a [u8]) -> Result<Option<Self>, MalformedLength> {
        let Some((&first, rest)) = head.split_first() else {
            return Ok(None);
        };
        let Some(last) = rest.iter().position(|byte| byte & 0x80 == 0) else {
            return if rest.len() < LENGTH_BYTES_MAX {
                Ok(None)
            } else {
                Err(MalformedLength)
            };
        };
        let (length_bytes, body) = rest.split_at(last + 1);
        let length = length_bytes
            .iter()
            .rev()
            .fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
        let mut kept = length;
        if first >> 4 == PUBLISH && length > PAYLOAD_KEPT {
            let [high, low] = *body else {
                return Ok(None);
            };
            let topic = usize::from(u16::from_be_bytes([high, low]));
            let number = if first & 0b0110 == 0 { 0 } else { 2 };
            kept = length.min(2 + topic + number + PAYLOAD_KEPT);
        }
        Ok(Some(Self {
            first,
            length_bytes,
            length,
            kept,
            body,
        }))
    }

    /// Appends the head, with a remaining length of what passes.
    fn write_head(&self, output: &mut BytesMut) {
        output.put_u8(self.first);
        if self.kept == self.length {
            output.put_slice(self.length_bytes);
        } else {
            let mut left = self.kept;
            while left > 0x7f {
                output.put_u8(0x80 | low_bits(left));
                left >>= 7;
            }
            output.put_u8(low_bits(left));
        }
        output.put_slice(self.body);
    }
}

/// The seven lowest bits of a length.
fn low_bits(length: usize) -> u8 {
    length.to_le_bytes()[0] & 0x7f
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use rumqttc::mqttbytes::v4::{PubAck, SubAck, SubscribeReasonCode};
    use rumqttc::{Packet, Publish, QoS};

    use super::*;

    /// The most that a remaining length can say.
    const LENGTH_MAX: usize = 268_435_455;

    fn message(topic: &str, qos: QoS, retain: bool, payload: Vec<u8>) -> Publish {
        let mut publish = Publish::new(topic, qos, payload);
        publish.retain = retain;
        publish.pkid = u16::from(qos != QoS::AtMostOnce) * 7;
        publish
    }

    fn bytes_of(packet: &Packet) -> BytesMut {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, usize::MAX).unwrap();
        bytes
    }

    fn shortened(stream: &[u8], chunk: usize) -> Result<BytesMut, MalformedLength> {
        let (mut shortener, mut output) = (FrameShortener::default(), BytesMut::new());
        for chunk in stream.chunks(chunk) {
            shortener.shorten(chunk, &mut output)?;
        }
        Ok(output)
    }

    /// What is left of a packet, by another way than the shortener's.
    fn expected(packet: &Packet) -> Packet {
        let mut packet = packet.clone();
        if let Packet::Publish(publish) = &mut packet {
            publish.payload.truncate(PAYLOAD_KEPT);
        }
        packet
    }

    #[test]
    fn a_message_passes_whole_up_to_the_bound_and_loses_the_rest_above_it() {
        let topic = "vss/Vehicle/Speed";
        let sizes = [0, 1, 60, 4_000, 4_096, 4_097, 4_098, 16_384, 1 << 20];
        for (size, qos) in sizes
            .into_iter()
            .flat_map(|size| [(size, QoS::AtMostOnce), (size, QoS::AtLeastOnce)])
        {
            let whole = message(topic, qos, true, vec![b'7'; size]);
            let mut output = shortened(&bytes_of(&Packet::Publish(whole.clone())), 1_500).unwrap();
            if size <= PAYLOAD_KEPT {
                assert_eq!(output, bytes_of(&Packet::Publish(whole.clone())), "{size}");
            }
            let read = Packet::read(&mut output, usize::MAX).unwrap();
            assert_eq!(read, expected(&Packet::Publish(whole)), "{size}");
            assert!(output.is_empty(), "{size}");
        }
    }

    #[test]
    fn the_largest_message_of_all_leaves_no_more_than_the_bound_and_the_next_is_whole() {
        let chunk = vec![b'7'; 1 << 16];
        let (mut shortener, mut output) = (FrameShortener::default(), BytesMut::new());
        let head = [0x31, 0xff, 0xff, 0xff, 0x7f, 0, 1, b'a'];
        shortener.shorten(&head, &mut output).unwrap();
        let mut left = LENGTH_MAX - 3;
        while left > 0 {
            let many = left.min(chunk.len());
            shortener.shorten(&chunk[..many], &mut output).unwrap();
            left -= many;
        }
        shortener.shorten(&[0xd0, 0], &mut output).unwrap();
        assert_eq!(output.len(), 1 + 2 + 3 + PAYLOAD_KEPT + 2);
        let read = Packet::read(&mut output, usize::MAX).unwrap();
        let kept = vec![b'7'; PAYLOAD_KEPT];
        assert_eq!(
            read,
            Packet::Publish(message("a", QoS::AtMostOnce, true, kept))
        );
        assert_eq!(
            Packet::read(&mut output, usize::MAX).unwrap(),
            Packet::PingResp
        );
    }

    #[test]
    fn what_is_no_message_is_not_touched_however_long_it_is_said_to_be() {
        let table: [&[u8]; 6] = [
            &[0xd0, 0],
            &[0x20, 2, 0, 0],
            // A length in more bytes than it needs.
            &[0x40, 0x82, 0, 0, 7],
            &[0x90, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3],
            // The topic goes beyond the packet, which the client refuses.
            &[0x30, 0x88, 0x27, 0xff, 0xff, b'a'],
            // The end is still to come.
            &[0x30, 0xff, 0xff],
        ];
        for stream in &table[..5] {
            assert_eq!(shortened(stream, 1).unwrap(), stream[..]);
        }
        assert_eq!(shortened(table[5], 1).unwrap(), b""[..]);
    }

    #[test]
    fn a_length_that_does_not_end_is_told() {
        for first in [0x30, 0x90] {
            let stream = [first, 0xff, 0xff, 0xff, 0xff, 0x7f];
            for chunk in [1, 6] {
                assert_eq!(shortened(&stream, chunk), Err(MalformedLength));
            }
        }
    }

    fn packets() -> impl Strategy<Value = Packet> {
        let size = prop_oneof![0..80_usize, 4_080..4_110_usize, 4_090..40_000_usize];
        let topic = prop_oneof![1..40_usize, 4_080..4_110_usize];
        let of_messages =
            (topic, size, any::<bool>(), any::<bool>()).prop_map(|(topic, size, sure, retain)| {
                let qos = if sure {
                    QoS::AtLeastOnce
                } else {
                    QoS::AtMostOnce
                };
                Packet::Publish(message(&"t".repeat(topic), qos, retain, vec![0xc0; size]))
            });
        let granted = |many| vec![SubscribeReasonCode::Success(QoS::AtLeastOnce); many];
        prop_oneof![
            4 => of_messages,
            1 => Just(Packet::PingResp),
            1 => (1..=u16::MAX).prop_map(|number| Packet::PubAck(PubAck::new(number))),
            1 => (1..5_000_usize)
                .prop_map(move |many| Packet::SubAck(SubAck::new(1, granted(many)))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn however_the_stream_is_cut_each_packet_comes_out_with_its_beginning(
            packets in vec(packets(), 1..6),
            chunk in prop_oneof![1..9_usize, 1..20_000_usize],
        ) {
            let stream: Vec<u8> = packets.iter().flat_map(bytes_of).collect();
            let mut output = shortened(&stream, chunk).unwrap();
            for packet in &packets {
                prop_assert_eq!(Packet::read(&mut output, usize::MAX).unwrap(), expected(packet));
            }
            prop_assert!(output.is_empty());
        }

        #[test]
        fn no_bytes_make_it_longer_and_the_chunks_do_not_matter(
            stream in vec(any::<u8>(), 0..20_000),
            chunk in 1..3_000_usize,
        ) {
            let whole = shortened(&stream, usize::MAX);
            prop_assert_eq!(&shortened(&stream, chunk), &whole);
            if let Ok(output) = whole {
                prop_assert!(output.len() <= stream.len());
            }
        }
    }
}
