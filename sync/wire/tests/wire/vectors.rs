//! The golden vectors in `vectors/`: for each sample its bytes in hex and what they say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dashpoint_wire::{MAX_DECODED, inflate};
use data_encoding::HEXLOWER;

use crate::diagnostic;
use crate::newer;
use crate::samples::{self, Sample, Signer};

/// Set to 1, the tests write the vectors instead of comparing them, and then fail: nothing is approved by accident.
const WRITE: &str = "DASHPOINT_WRITE_VECTORS";
const HEX_BYTES_PER_LINE: usize = 48;
const DEFLATED: &str = "deflated-entries-request";

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// The bytes of one vector.
pub fn read(name: &str) -> Vec<u8> {
    let path = folder().join(format!("{name}.hex"));
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; {WRITE}=1 writes it", path.display()));
    let digits: String = text.split_whitespace().collect();
    HEXLOWER.decode(digits.as_bytes()).unwrap()
}

#[test]
fn the_bytes_are_those_of_the_vectors() {
    let files = expected_files();
    if std::env::var_os(WRITE).is_some() {
        fs::create_dir_all(folder()).unwrap();
        for (name, text) in &files {
            fs::write(folder().join(name), text).unwrap();
        }
        panic!("the vectors were written: look at the difference and run again without {WRITE}");
    }
    for (name, text) in &files {
        let found = fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert!(
            found == *text,
            "{name} is not what the code makes:\n{text}\n{WRITE}=1 writes it"
        );
    }
    let present: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with(DEFLATED))
        .collect();
    let expected: BTreeSet<_> = files.into_iter().map(|(name, _)| name).collect();
    assert_eq!(present, expected);
}

#[test]
fn every_vector_is_read_as_it_was_written() {
    for sample in samples::all() {
        let bytes = read(sample.name);
        match &sample.seal {
            Some(seal) => (seal.verify)(&bytes, &seal.signer.key().public()).unwrap(),
            None => assert_eq!((sample.reread)(&bytes).as_ref(), Ok(&bytes)),
        }
    }
}

/// A deflated body has many forms; this one is from the first version, and each later one must read it.
#[test]
fn a_deflated_body_of_the_first_version_is_inflated() {
    let body = read("message-entries-request");
    if std::env::var_os(WRITE).is_some() {
        let deflated = hex_lines(&dashpoint_wire::deflate(&body));
        fs::write(folder().join(format!("{DEFLATED}.hex")), deflated).unwrap();
        panic!("the deflated vector was written");
    }
    assert_eq!(inflate(&read(DEFLATED), MAX_DECODED), Ok(body));
}

fn expected_files() -> Vec<(String, String)> {
    let mut files = vec![("keys.txt".to_owned(), keys()), newer::file()];
    for sample in samples::all() {
        files.push((format!("{}.hex", sample.name), hex_lines(&sample.bytes)));
        files.push((format!("{}.txt", sample.name), explanation(&sample)));
    }
    files
}

fn keys() -> String {
    let line = |signer: Signer, seed: &str| {
        let public = signer.key().public();
        let id = HEXLOWER.encode(&public.id());
        format!(
            "{}: seed 32 times 0x{seed}, public key {public}, key id {id}\n",
            signer.name()
        )
    };
    line(Signer::Car, "01") + &line(Signer::Cloud, "02")
}

fn explanation(sample: &Sample) -> String {
    let mut text = format!("{} bytes", sample.bytes.len());
    if let Some(seal) = &sample.seal {
        text += &format!(
            ", signed by the {}; context {:?}, scope h'{}'",
            seal.signer.name(),
            seal.context,
            HEXLOWER.encode(&seal.scope)
        );
    }
    format!("{text}\n\n{}\n", diagnostic::render(&sample.bytes))
}

fn hex_lines(bytes: &[u8]) -> String {
    bytes
        .chunks(HEX_BYTES_PER_LINE)
        .map(|line| HEXLOWER.encode(line) + "\n")
        .collect()
}
