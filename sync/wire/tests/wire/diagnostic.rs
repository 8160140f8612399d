//! CBOR as text for people (RFC 8949, section 8), with what is CBOR inside byte strings shown as `<< ... >>`.

use minicbor::Decoder;
use minicbor::data::Type;

const WIDTH: usize = 100;

enum Item {
    Leaf(String),
    Group {
        open: String,
        items: Vec<(String, Self)>,
        close: &'static str,
    },
}

/// The text of one CBOR item.
pub fn render(bytes: &[u8]) -> String {
    let mut input = Decoder::new(bytes);
    let item = read(&mut input);
    assert_eq!(input.position(), bytes.len(), "one item");
    item.lay_out(0)
}

fn read(input: &mut Decoder<'_>) -> Item {
    match input.datatype().unwrap() {
        Type::Tag => {
            let tag = input.tag().unwrap().as_u64();
            assert_eq!((tag, input.array().unwrap()), (18, Some(4)));
            let protected = embedded(input.bytes().unwrap());
            let unprotected = read(input);
            let payload = embedded(input.bytes().unwrap());
            let signature = read(input);
            let items = [protected, unprotected, payload, signature];
            group("18([", items.map(|item| (String::new(), item)).into(), "])")
        }
        Type::Array => {
            let len = input.array().unwrap().unwrap();
            let items = (0..len).map(|_| (String::new(), read(input))).collect();
            group("[", items, "]")
        }
        Type::Map => {
            let len = input.map().unwrap().unwrap();
            let items = (0..len).map(|_| {
                let key = read(input).in_one_line();
                (format!("{key}: "), read(input))
            });
            group("{", items.collect(), "}")
        }
        Type::Bytes => {
            let bytes = input.bytes().unwrap();
            if bytes.starts_with(&[0xd2, 0x84]) {
                embedded(bytes)
            } else {
                Item::Leaf(format!("h'{}'", data_encoding::HEXLOWER.encode(bytes)))
            }
        }
        Type::String => Item::Leaf(format!("{:?}", input.str().unwrap())),
        Type::Bool => Item::Leaf(input.bool().unwrap().to_string()),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            Item::Leaf(input.u64().unwrap().to_string())
        }
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
            Item::Leaf(input.i64().unwrap().to_string())
        }
        Type::Null
        | Type::Undefined
        | Type::Int
        | Type::F16
        | Type::F32
        | Type::F64
        | Type::Simple
        | Type::BytesIndef
        | Type::StringIndef
        | Type::ArrayIndef
        | Type::MapIndef
        | Type::Break
        | Type::Unknown(_) => panic!("no such item is in the protocol"),
    }
}

fn embedded(bytes: &[u8]) -> Item {
    let item = read(&mut Decoder::new(bytes));
    group("<< ", vec![(String::new(), item)], " >>")
}

fn group(open: &str, items: Vec<(String, Item)>, close: &'static str) -> Item {
    Item::Group {
        open: open.to_owned(),
        items,
        close,
    }
}

impl Item {
    fn in_one_line(&self) -> String {
        match self {
            Self::Leaf(text) => text.clone(),
            Self::Group { open, items, close } => {
                let items: Vec<_> = items
                    .iter()
                    .map(|(key, item)| format!("{key}{}", item.in_one_line()))
                    .collect();
                format!("{open}{}{close}", items.join(", "))
            }
        }
    }

    fn lay_out(&self, indent: usize) -> String {
        let line = self.in_one_line();
        match self {
            Self::Group { open, items, close } if line.len() + indent > WIDTH => {
                let pad = " ".repeat(indent + 2);
                let mut text = open.trim_end().to_owned();
                for (key, item) in items {
                    text += &format!("\n{pad}{key}{},", item.lay_out(indent + 2));
                }
                text.pop();
                format!("{text}\n{}{}", " ".repeat(indent), close.trim_start())
            }
            Self::Leaf(_) | Self::Group { .. } => line,
        }
    }
}
