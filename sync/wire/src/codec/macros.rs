//! The words in which the tables are written.
//!
//! Both take a type apart and put it together field by field, so a field or variant that is not in its table does not
//! compile.

/// A struct as a map: `Name { key => field, ... }`, keys ascending from 1. `signed Name { ... }` has the version under
/// key 0 before them.
macro_rules! cbor_map {
    ($($name:ident { $($key:literal => $field:ident),+ $(,)? })+) => {
        $($crate::codec::cbor_map!(@impl open_map, open, [], $name { $($key => $field),+ });)+
    };
    (signed: $($name:ident { $($key:literal => $field:ident),+ $(,)? })+) => {
        $($crate::codec::cbor_map!(
            @impl open_versioned_map, open_versioned,
            [$crate::codec::schema::row(0, "version", "uint = 1".to_owned())],
            $name { $($key => $field),+ }
        );)+
    };
    (@impl $write_head:ident, $read_head:ident, [$($head:expr)?], $name:ident { $($key:literal => $field:ident),+ }) => {
        impl $crate::codec::Cbor for $name {
            fn write(&self, out: &mut $crate::codec::CborWriter) {
                let Self { $($field),+ } = self;
                let present = 0 $(+ usize::from($crate::codec::MapField::is_present($field)))+;
                $crate::codec::map::$write_head(out, present);
                $($crate::codec::MapField::put($field, $key, out);)+
            }

            fn read(input: &mut $crate::codec::CborReader<'_>) -> Result<Self, $crate::error::WireError> {
                let mut map = $crate::codec::MapReader::$read_head(input)?;
                $(let $field = $crate::codec::MapField::take(&mut map, $key)?;)+
                map.close()?;
                Ok(Self { $($field),+ })
            }

            fn describe(schema: &mut $crate::codec::Schema) -> String {
                $(let $field: $crate::codec::map::Take<_> = $crate::codec::MapField::take;)+
                let _fixes_types = |map: &mut $crate::codec::MapReader<'_, '_>| {
                    Ok::<_, $crate::error::WireError>(Self { $($field: $field(map, $key)?),+ })
                };
                schema.table(stringify!($name), |schema| vec![
                    $($head,)?
                    $($crate::codec::schema::row(
                        $key, stringify!($field), $crate::codec::map::describe_taken($field, schema),
                    )),+
                ])
            }
        }
    };
}

/// A closed choice: `Name { number => Unit, number => Inner(name), number => Named { key => field, ... }, ... }`,
/// numbers ascending from 1.
macro_rules! cbor_choice {
    ($($name:ident {
        $($tag:literal => $variant:ident $({ $($key:literal => $field:ident),+ })? $(( $inner:ident ))?),+ $(,)?
    })+) => {$(
        impl $crate::codec::Cbor for $name {
            fn write(&self, out: &mut $crate::codec::CborWriter) {
                match self {
                    $(Self::$variant $({ $($field),+ })? $(( $inner ))? => {
                        $crate::codec::cbor_choice!(@write out, $tag $({ $($key => $field),+ })? $(( $inner ))?);
                    })+
                }
            }

            fn read(input: &mut $crate::codec::CborReader<'_>) -> Result<Self, $crate::error::WireError> {
                match input.choice()? {
                    $(($tag, $crate::codec::cbor_choice!(@has_body $({ $($field),+ })? $(( $inner ))?)) => {
                        $crate::codec::cbor_choice!(@read input, $variant $({ $($key => $field),+ })? $(( $inner ))?)
                    })+
                    _ => Err(input.value(concat!("one of the numbers of ", stringify!($name)))),
                }
            }

            fn describe(schema: &mut $crate::codec::Schema) -> String {
                schema.table(stringify!($name), |schema| {
                    let mut rows = Vec::new();
                    $(
                        let holds = $crate::codec::cbor_choice!(
                            @describe schema, $variant $({ $($key => $field),+ })? $(( $inner ))?
                        );
                        rows.push($crate::codec::schema::row($tag, stringify!($variant), holds));
                    )+
                    // A choice whose numbers carry nothing enters no other type.
                    let _ = &schema;
                    rows
                })
            }
        }
    )+};

    (@write $out:ident, $tag:literal) => { $out.uint($tag) };
    (@write $out:ident, $tag:literal ($inner:ident)) => {
        $out.array(2);
        $out.uint($tag);
        $crate::codec::Cbor::write($inner, $out);
    };
    (@write $out:ident, $tag:literal { $($key:literal => $field:ident),+ }) => {
        $out.array(2);
        $out.uint($tag);
        $out.map(0 $(+ usize::from($crate::codec::MapField::is_present($field)))+);
        $($crate::codec::MapField::put($field, $key, $out);)+
    };

    (@has_body) => { false };
    (@has_body $($body:tt)+) => { true };

    (@read $input:ident, $variant:ident) => { Ok(Self::$variant) };
    (@read $input:ident, $variant:ident ($inner:ident)) => {
        Ok(Self::$variant($crate::codec::Cbor::read($input)?))
    };
    (@read $input:ident, $variant:ident { $($key:literal => $field:ident),+ }) => {{
        let mut map = $crate::codec::MapReader::open($input)?;
        $(let $field = $crate::codec::MapField::take(&mut map, $key)?;)+
        map.close()?;
        Ok(Self::$variant { $($field),+ })
    }};

    (@describe $schema:ident, $variant:ident) => { String::new() };
    (@describe $schema:ident, $variant:ident ($inner:ident)) => {{
        let $inner: $crate::codec::map::Read<_> = $crate::codec::Cbor::read;
        let _fixes_type = |input: &mut $crate::codec::CborReader<'_>| {
            Ok::<_, $crate::error::WireError>(Self::$variant($inner(input)?))
        };
        $crate::codec::map::describe_read($inner, $schema)
    }};
    (@describe $schema:ident, $variant:ident { $($key:literal => $field:ident),+ }) => {{
        $(let $field: $crate::codec::map::Take<_> = $crate::codec::MapField::take;)+
        let _fixes_types = |map: &mut $crate::codec::MapReader<'_, '_>| {
            Ok::<_, $crate::error::WireError>(Self::$variant { $($field: $field(map, $key)?),+ })
        };
        let fields = [$($crate::codec::schema::row(
            $key, stringify!($field), $crate::codec::map::describe_taken($field, $schema),
        )),+];
        $crate::codec::schema::braces(&fields)
    }};
}

pub(crate) use cbor_choice;
pub(crate) use cbor_map;
