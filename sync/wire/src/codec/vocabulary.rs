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
            [$crate::codec::book::row(0, "version", "uint = 1".to_owned())],
            $name { $($key => $field),+ }
        );)+
    };
    (@impl $write_head:ident, $read_head:ident, [$($head:expr)?], $name:ident { $($key:literal => $field:ident),+ }) => {
        impl $crate::codec::Cbor for $name {
            fn write(&self, out: &mut $crate::codec::Writer) {
                let Self { $($field),+ } = self;
                let present = 0 $(+ usize::from($crate::codec::Field::is_present($field)))+;
                $crate::codec::map::$write_head(out, present);
                $($crate::codec::Field::put($field, $key, out);)+
            }

            fn read(input: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::error::WireError> {
                let mut map = $crate::codec::MapReader::$read_head(input)?;
                $(let $field = $crate::codec::Field::take(&mut map, $key)?;)+
                map.close()?;
                Ok(Self { $($field),+ })
            }

            fn describe(book: &mut $crate::codec::Book) -> String {
                $(let $field: $crate::codec::map::Take<_> = $crate::codec::Field::take;)+
                let _fixes_types = |map: &mut $crate::codec::MapReader<'_, '_>| {
                    Ok::<_, $crate::error::WireError>(Self { $($field: $field(map, $key)?),+ })
                };
                book.table(stringify!($name), |book| vec![
                    $($head,)?
                    $($crate::codec::book::row(
                        $key, stringify!($field), $crate::codec::map::describe_taken($field, book),
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
            fn write(&self, out: &mut $crate::codec::Writer) {
                match self {
                    $(Self::$variant $({ $($field),+ })? $(( $inner ))? => {
                        $crate::codec::cbor_choice!(@write out, $tag $({ $($key => $field),+ })? $(( $inner ))?);
                    })+
                }
            }

            fn read(input: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::error::WireError> {
                match input.choice()? {
                    $(($tag, $crate::codec::cbor_choice!(@has_body $({ $($field),+ })? $(( $inner ))?)) => {
                        $crate::codec::cbor_choice!(@read input, $variant $({ $($key => $field),+ })? $(( $inner ))?)
                    })+
                    _ => Err(input.value(concat!("one of the numbers of ", stringify!($name)))),
                }
            }

            fn describe(book: &mut $crate::codec::Book) -> String {
                book.table(stringify!($name), |book| {
                    let mut rows = Vec::new();
                    $(
                        let holds = $crate::codec::cbor_choice!(
                            @describe book, $variant $({ $($key => $field),+ })? $(( $inner ))?
                        );
                        rows.push($crate::codec::book::row($tag, stringify!($variant), holds));
                    )+
                    let _ = &book;
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
        $out.map(0 $(+ usize::from($crate::codec::Field::is_present($field)))+);
        $($crate::codec::Field::put($field, $key, $out);)+
    };

    (@has_body) => { false };
    (@has_body $($body:tt)+) => { true };

    (@read $input:ident, $variant:ident) => { Ok(Self::$variant) };
    (@read $input:ident, $variant:ident ($inner:ident)) => {
        Ok(Self::$variant($crate::codec::Cbor::read($input)?))
    };
    (@read $input:ident, $variant:ident { $($key:literal => $field:ident),+ }) => {{
        let mut map = $crate::codec::MapReader::open($input)?;
        $(let $field = $crate::codec::Field::take(&mut map, $key)?;)+
        map.close()?;
        Ok(Self::$variant { $($field),+ })
    }};

    (@describe $book:ident, $variant:ident) => { String::new() };
    (@describe $book:ident, $variant:ident ($inner:ident)) => {{
        let $inner: $crate::codec::map::Read<_> = $crate::codec::Cbor::read;
        let _fixes_type = |input: &mut $crate::codec::Reader<'_>| {
            Ok::<_, $crate::error::WireError>(Self::$variant($inner(input)?))
        };
        $crate::codec::map::describe_read($inner, $book)
    }};
    (@describe $book:ident, $variant:ident { $($key:literal => $field:ident),+ }) => {{
        $(let $field: $crate::codec::map::Take<_> = $crate::codec::Field::take;)+
        let _fixes_types = |map: &mut $crate::codec::MapReader<'_, '_>| {
            Ok::<_, $crate::error::WireError>(Self::$variant { $($field: $field(map, $key)?),+ })
        };
        let fields = [$($crate::codec::book::row(
            $key, stringify!($field), $crate::codec::map::describe_taken($field, $book),
        )),+];
        $crate::codec::book::braces(&fields)
    }};
}

pub(crate) use cbor_choice;
pub(crate) use cbor_map;
