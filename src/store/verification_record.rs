//! What a finished verification found, as one value: each attempt with its findings, whole and compressed.
//!
//! Verifications are kept for a long time, and most of their findings have the same sentences. As rows, those of one verification would take
//! ten times the space.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Result;
use super::checks::CheckRow;
use super::error::StoreError;
use super::verifications::TABLE;

/// Text that is common in findings: what is in it takes no space in records. Records can only be read with the text that they were written
/// with, so it never changes. A better one needs a format of its own.
const COMMON_TEXT: &[u8] = include_bytes!("verification_record.txt");

/// First what varies, as numbers: the request IDs, and the call of each finding. Then JSON without it, deflated after [`COMMON_TEXT`].
const FORMAT: u8 = 1;

/// A limit against damaged records. The largest have some hundred kilobytes.
const MOST_BYTES: usize = 64 << 20;

/// One attempt. Its findings are the events that follow its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct AttemptRecord {
    pub(super) attempt: i32,
    pub(super) event: i32,
    pub(super) started_at: DateTime<Utc>,
    /// When the next attempt follows, and the number of the event that announces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) waiting: Option<(DateTime<Utc>, i32)>,
    checks: Vec<CheckRecord>,
}

/// A finding without its call's request ID and duration. The findings of most verifications are the same text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CheckRecord {
    name: String,
    status: String,
    required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    side: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_breach: bool,
    summary: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fix: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skipped_because: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http_status: Option<i32>,
    /// Only if it is not the event after the previous one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<i32>,
}

/// A row of `verification_attempts`, with the rows of its findings in the order of their events.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecordedAttempt {
    pub(super) attempt: i32,
    pub(super) event: i32,
    pub(super) started_at: DateTime<Utc>,
    pub(super) waiting: Option<(DateTime<Utc>, i32)>,
    pub(super) checks: Vec<CheckRow>,
}

/// The record of these attempts.
pub(super) fn pack(id: Uuid, attempts: Vec<RecordedAttempt>) -> Result<Vec<u8>> {
    let mut calls = Calls::default();
    let attempts: Vec<AttemptRecord> = attempts
        .into_iter()
        .map(|attempt| AttemptRecord {
            attempt: attempt.attempt,
            event: attempt.event,
            started_at: attempt.started_at,
            waiting: attempt.waiting,
            checks: checks_of(attempt, &mut calls),
        })
        .collect();
    let json = serde_json::to_vec(&attempts).map_err(|fault| StoreError::inconsistent(TABLE, id, fault))?;
    let mut record = vec![FORMAT];
    calls.write(&mut record);
    deflate(&json, &mut record).map_err(|fault| StoreError::inconsistent(TABLE, id, fault))?;
    Ok(record)
}

fn checks_of(attempt: RecordedAttempt, calls: &mut Calls) -> Vec<CheckRecord> {
    let mut next = attempt.event + 1;
    let checks = attempt.checks.into_iter().map(|row| {
        let event = (row.event != next).then_some(row.event);
        next = row.event + 1;
        calls.add(row.request_id, row.duration_ms);
        CheckRecord {
            name: row.name,
            status: row.status,
            required: row.required,
            side: row.side,
            is_breach: row.is_breach,
            summary: row.summary,
            detail: row.detail,
            fix: row.fix,
            skipped_because: row.skipped_because,
            operation: row.operation,
            code: row.code,
            http_status: row.http_status,
            event,
        }
    });
    checks.collect()
}

/// The attempts of a record.
pub(super) fn unpack(id: Uuid, record: &[u8]) -> Result<Vec<RecordedAttempt>> {
    let damaged = |what: &str| StoreError::inconsistent(TABLE, id, format!("its record is damaged: {what}"));
    let Some((&FORMAT, rest)) = record.split_first() else {
        return Err(damaged("unknown format"));
    };
    let (calls, deflated) = Calls::read(rest).ok_or_else(|| damaged("the calls"))?;
    let mut calls = calls.into_iter();
    let json = inflate(deflated).map_err(|fault| damaged(&fault))?;
    let attempts: Vec<AttemptRecord> = serde_json::from_slice(&json).map_err(|fault| damaged(&fault.to_string()))?;
    let attempts = attempts.into_iter().map(|attempt| {
        let mut next = attempt.event + 1;
        let checks = attempt.checks.into_iter().map(|check| {
            let event = check.event.unwrap_or(next);
            next = event + 1;
            let (request_id, duration_ms) = calls.next().ok_or_else(|| damaged("a call is missing"))?;
            Ok(CheckRow {
                verification_id: id,
                name: check.name,
                event,
                status: check.status,
                required: check.required,
                side: check.side,
                summary: check.summary,
                detail: check.detail,
                operation: check.operation,
                code: check.code,
                http_status: check.http_status,
                request_id,
                duration_ms,
                skipped_because: check.skipped_because,
                fix: check.fix,
                is_breach: check.is_breach,
            })
        });
        Ok(RecordedAttempt {
            attempt: attempt.attempt,
            event: attempt.event,
            started_at: attempt.started_at,
            waiting: attempt.waiting,
            checks: checks.collect::<Result<_>>()?,
        })
    });
    attempts.collect()
}

fn deflate(json: &[u8], record: &mut Vec<u8>) -> std::result::Result<(), String> {
    let mut deflater = Compress::new(Compression::best(), false);
    deflater.set_dictionary(COMMON_TEXT).map_err(|fault| fault.to_string())?;
    loop {
        record.reserve(json.len() / 4 + 64);
        let read = usize::try_from(deflater.total_in()).map_err(|fault| fault.to_string())?;
        let rest = json.get(read..).unwrap_or_default();
        let status = deflater.compress_vec(rest, record, FlushCompress::Finish);
        if status.map_err(|fault| fault.to_string())? == Status::StreamEnd {
            return Ok(());
        }
    }
}

fn inflate(deflated: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let mut inflater = Decompress::new(false);
    inflater.set_dictionary(COMMON_TEXT).map_err(|fault| fault.to_string())?;
    let mut json = Vec::new();
    loop {
        let (had, read) = (json.len(), usize::try_from(inflater.total_in()).map_err(|fault| fault.to_string())?);
        json.reserve(deflated.len() * 8 + 64);
        let rest = deflated.get(read..).unwrap_or_default();
        let status = inflater.decompress_vec(rest, &mut json, FlushDecompress::Finish);
        if status.map_err(|fault| fault.to_string())? == Status::StreamEnd {
            return Ok(json);
        }
        if json.len() == had || json.len() > MOST_BYTES {
            return Err("it does not end".to_owned());
        }
    }
}

/// The request ID and the milliseconds of each finding's call. Each ID is written once, and those of AWS as the numbers that they are.
#[derive(Debug, Default)]
struct Calls {
    ids: Vec<String>,
    places: HashMap<String, u64>,
    /// For each finding, the number of its request ID, counted from one, and its milliseconds and one more. Zero is none.
    numbers: Vec<(u64, u64)>,
}

/// A request ID and milliseconds.
type Call = (Option<String>, Option<i64>);

/// How an ID is written. A smaller number is the length of a text.
const UUID: u8 = 255;
const BASE_36: u8 = 254;
const LONG_TEXT: u8 = 253;

/// IDs of S3 have 16 digits and upper-case letters, which fit in 11 bytes.
const BASE_36_DIGITS: usize = 16;
const BASE_36_BYTES: usize = 11;

impl Calls {
    fn add(&mut self, request_id: Option<String>, duration_ms: Option<i64>) {
        let place = request_id.map_or(0, |id| {
            *self.places.entry(id).or_insert_with_key(|id| {
                self.ids.push(id.clone());
                self.ids.len() as u64
            })
        });
        let duration = duration_ms.map_or(0, |ms| u64::try_from(ms).unwrap_or_default() + 1);
        self.numbers.push((place, duration));
    }

    fn write(&self, record: &mut Vec<u8>) {
        write_number(record, self.ids.len() as u64);
        for id in &self.ids {
            write_id(record, id);
        }
        write_number(record, self.numbers.len() as u64);
        for (place, duration) in &self.numbers {
            write_number(record, *place);
            write_number(record, *duration);
        }
    }

    /// The calls, and what follows them.
    fn read(record: &[u8]) -> Option<(Vec<Call>, &[u8])> {
        let (count, mut rest) = read_number(record)?;
        let mut ids = Vec::new();
        for _ in 0..count {
            let (id, after) = read_id(rest)?;
            ids.push(id);
            rest = after;
        }
        let (count, mut rest) = read_number(rest)?;
        let mut calls = Vec::new();
        for _ in 0..count {
            let (place, after) = read_number(rest)?;
            let (duration, after) = read_number(after)?;
            rest = after;
            let id = match place.checked_sub(1) {
                Some(place) => Some(ids.get(usize::try_from(place).ok()?)?.clone()),
                None => None,
            };
            calls.push((id, duration.checked_sub(1).and_then(|ms| i64::try_from(ms).ok())));
        }
        Some((calls, rest))
    }
}

/// Seven bits per byte, the lowest first. All but the last byte have the eighth.
fn write_number(record: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        record.push(0x80 | low(number));
        number >>= 7;
    }
    record.push(low(number));
}

fn low(number: u64) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or_default()
}

fn read_number(record: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (place, byte) in record.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((number, record.get(place + 1..)?));
        }
    }
    None
}

fn write_id(record: &mut Vec<u8>, id: &str) {
    if let Some(uuid) = Uuid::try_parse(id).ok().filter(|uuid| uuid.to_string() == id) {
        record.push(UUID);
        record.extend(uuid.as_bytes());
    } else if let Some(number) = base_36(id) {
        record.push(BASE_36);
        record.extend(number.to_be_bytes().iter().skip(16 - BASE_36_BYTES));
    } else {
        match u8::try_from(id.len()) {
            Ok(length) if length < LONG_TEXT => record.push(length),
            _ => {
                record.push(LONG_TEXT);
                write_number(record, id.len() as u64);
            }
        }
        record.extend(id.as_bytes());
    }
}

fn read_id(record: &[u8]) -> Option<(String, &[u8])> {
    let (&kind, after) = record.split_first()?;
    match kind {
        UUID => {
            let (bytes, after) = after.split_first_chunk::<16>()?;
            Some((Uuid::from_bytes(*bytes).to_string(), after))
        }
        BASE_36 => {
            let (bytes, after) = after.split_first_chunk::<BASE_36_BYTES>()?;
            let number = bytes.iter().fold(0, |number, byte| (number << 8) | u128::from(*byte));
            Some((from_base_36(number), after))
        }
        LONG_TEXT => {
            let (length, after) = read_number(after)?;
            text(after, usize::try_from(length).ok()?)
        }
        length => text(after, usize::from(length)),
    }
}

fn text(bytes: &[u8], length: usize) -> Option<(String, &[u8])> {
    let (text, after) = bytes.split_at_checked(length)?;
    Some((String::from_utf8(text.to_vec()).ok()?, after))
}

fn base_36(id: &str) -> Option<u128> {
    if id.len() != BASE_36_DIGITS || id.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    id.chars()
        .try_fold(0, |number, digit| Some(number * 36 + u128::from(digit.to_digit(36)?)))
}

fn from_base_36(mut number: u128) -> String {
    let mut digits = [b'0'; BASE_36_DIGITS];
    for digit in digits.iter_mut().rev() {
        let value = u8::try_from(number % 36).unwrap_or_default();
        *digit = if value < 10 { b'0' + value } else { b'A' + value - 10 };
        number /= 36;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(event: i32, request_id: Option<&str>) -> CheckRow {
        CheckRow {
            verification_id: Uuid::nil(),
            name: "bucket-reachable".into(),
            event,
            status: "failed".into(),
            required: true,
            side: Some("customer".into()),
            summary: "The bucket does not exist.".into(),
            detail: Some("Ümlaut".into()),
            operation: Some("s3:HeadBucket".into()),
            code: Some("NoSuchBucket".into()),
            http_status: Some(404),
            request_id: request_id.map(str::to_owned),
            duration_ms: Some(82),
            skipped_because: None,
            fix: Some(json!({"z": 1, "a": [true, null]})),
            is_breach: false,
        }
    }

    fn attempts() -> Vec<RecordedAttempt> {
        let long = "x".repeat(1000);
        let ids = [
            Some("f0d8d160-462c-44c4-8cb3-0715af35fa20"),
            Some("F0D8D160-462C-44C4-8CB3-0715AF35FA20"),
            Some("53VRQKGVM2XQN0G7"),
            Some("ZZZZZZZZZZZZZZZZ"),
            Some("0000000000000000"),
            Some("53vrqkgvm2xqn0g7"),
            Some("53VRQKGVM2XQN0G7"),
            Some(""),
            Some("é"),
            Some(long.as_str()),
            None,
        ];
        let checks = ids.into_iter().zip(2..).map(|(id, event)| check(event, id)).collect();
        let started_at = DateTime::UNIX_EPOCH + chrono::TimeDelta::microseconds(1_234_567);
        vec![
            RecordedAttempt {
                attempt: 1,
                event: 1,
                started_at,
                waiting: Some((started_at, 13)),
                checks,
            },
            RecordedAttempt {
                attempt: 2,
                event: 14,
                started_at,
                waiting: None,
                checks: vec![check(17, None), check(18, None)],
            },
        ]
    }

    #[test]
    fn a_record_is_whole() {
        for attempts in [attempts(), Vec::new()] {
            let record = pack(Uuid::nil(), attempts.clone()).unwrap();
            assert_eq!(unpack(Uuid::nil(), &record).unwrap(), attempts);
        }
    }

    #[test]
    fn a_damaged_record_is_an_error() {
        let record = pack(Uuid::nil(), attempts()).unwrap();
        for end in 0..record.len() {
            assert!(unpack(Uuid::nil(), &record[..end]).is_err(), "{end}");
        }
        for place in 0..record.len() {
            let mut damaged = record.clone();
            damaged[place] ^= 0x40;
            // It may have another text, but nothing panics or runs on.
            drop(unpack(Uuid::nil(), &damaged));
        }
    }

    /// `./dev/bench history` copies real records. They are what this code makes of the same attempts, or hardly larger.
    #[test]
    fn the_records_of_the_bench_are_real() {
        let rows: Vec<Value> = serde_json::from_str(include_str!("../../dev/stack/bench/history.json")).unwrap();
        for row in rows {
            let record = hex::decode(row["record"].as_str().unwrap()).unwrap();
            let attempts = unpack(Uuid::nil(), &record).unwrap();
            assert_eq!(attempts[0].checks.len(), 25);
            let packed = pack(Uuid::nil(), attempts).unwrap().len();
            assert!(packed.abs_diff(record.len()) <= record.len() / 20, "{packed} {}", record.len());
        }
    }

    /// Records that are stored could no longer be read.
    #[test]
    fn the_common_text_never_changes() {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, COMMON_TEXT);
        assert_eq!(
            hex::encode(digest),
            "f1a76b8895c945d2be9ffd3b1c03657aa2de45742d72917fdde7a755cbdc4d4e"
        );
    }
}
