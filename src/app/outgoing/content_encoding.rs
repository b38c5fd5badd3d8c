//! The content coding of responses (RFC 9110 §8.4). Requests ask for none; servers that pack all the same are read.

use std::io::Read as _;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::error::HttpClientError;

/// Unpacks a body of at most `limit` bytes.
pub(super) fn unpack(body: Vec<u8>, coding: &str, limit: usize) -> Result<Vec<u8>, HttpClientError> {
    match coding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(&*body), limit),
        // RFC 9110 §8.4.1.2: some servers send the bare format, without zlib's header.
        "deflate" if is_zlib(&body) => read(ZlibDecoder::new(&*body), limit),
        "deflate" => read(DeflateDecoder::new(&*body), limit),
        other => Err(HttpClientError::Packed(other.chars().take(40).collect())),
    }
}

/// Whether the bytes begin with a zlib header (RFC 1950 §2.2).
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..] if method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0)
}

fn read(packed: impl std::io::Read, limit: usize) -> Result<Vec<u8>, HttpClientError> {
    let mut body = Vec::new();
    // One byte more than allowed tells that there is more.
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    packed
        .take(most)
        .read_to_end(&mut body)
        .map_err(|_| HttpClientError::Packed("damaged data".to_owned()))?;
    match body.len() > limit {
        true => Err(HttpClientError::TooLarge(limit)),
        false => Ok(body),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    fn packed(coding: &str, text: &[u8]) -> Vec<u8> {
        let best = Compression::best();
        match coding {
            "gzip" => {
                let mut encoder = GzEncoder::new(Vec::new(), best);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            "zlib" => {
                let mut encoder = ZlibEncoder::new(Vec::new(), best);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            _ => {
                let mut encoder = DeflateEncoder::new(Vec::new(), best);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    #[test]
    fn packed_bodies_are_unpacked_within_the_limit() {
        for (format, coding) in
            [("gzip", "gzip"), ("gzip", "X-GZIP"), ("zlib", "deflate"), ("bare", "Deflate")]
        {
            let unpacked = |text: &[u8]| unpack(packed(format, text), coding, 1000);
            assert_eq!(unpacked(b"hello").unwrap(), b"hello", "{coding}");
            assert_eq!(unpacked(&[b'x'; 1000]).unwrap().len(), 1000);
            // A bomb: a thousand times its size.
            let bomb = unpacked(&[b'x'; 1_000_000]).unwrap_err();
            assert_eq!(bomb.code(), "outgoing_too_large", "{coding}");
        }
        assert_eq!(unpack(b"hello".to_vec(), "identity", 5).unwrap(), b"hello");
        for (body, coding) in [(&b"hello"[..], "gzip"), (b"hello", "br"), (b"hello", "gzip, gzip")] {
            assert_eq!(
                unpack(body.to_vec(), coding, 1000).unwrap_err().code(),
                "outgoing_packed",
                "{coding}"
            );
        }
    }
}
