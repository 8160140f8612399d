//! Stretches of meters: the first meter of a quantity has no number on the wire.

use dashpoint_membership::{Meter, MeterInterval, MeterNumber};

use crate::codec::schema::row;
use crate::codec::{Cbor, CborReader, CborWriter, MapField, MapReader, Schema};
use crate::error::WireError;

impl Cbor for MeterInterval {
    fn write(&self, out: &mut CborWriter) {
        let number = written(self.number);
        out.map(3 + usize::from(number.is_present()));
        self.meter.put(1, out);
        self.from.put(2, out);
        self.to.put(3, out);
        number.put(4, out);
    }

    fn read(input: &mut CborReader<'_>) -> Result<Self, WireError> {
        let mut map = MapReader::open(input)?;
        let (meter, from, to) = (
            Meter::take(&mut map, 1)?,
            u64::take(&mut map, 2)?,
            u64::take(&mut map, 3)?,
        );
        // A first meter that has its number is another encoding of the same, which the comparison of all bytes refuses.
        let number = <Option<MeterNumber> as MapField>::take(&mut map, 4)?;
        map.close()?;
        Ok(Self {
            meter,
            number: number.unwrap_or(MeterNumber::FIRST),
            from,
            to,
        })
    }

    fn describe(schema: &mut Schema) -> String {
        schema.table("MeterInterval", |schema| {
            vec![
                row(1, "meter", <Meter as MapField>::describe(schema)),
                row(2, "from", <u64 as MapField>::describe(schema)),
                row(3, "to", <u64 as MapField>::describe(schema)),
                row(4, "number", Option::<MeterNumber>::describe(schema)),
            ]
        })
    }
}

/// The number as it is written; `None` for a first meter.
fn written(number: MeterNumber) -> Option<MeterNumber> {
    Some(number).filter(|number| !number.is_first())
}
