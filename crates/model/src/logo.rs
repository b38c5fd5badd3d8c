//! Uploaded logos. The image format is detected from the bytes, not from the declared media type.
//!
//! Only formats without script are accepted. Only the header is read; the image itself is decoded by
//! browsers alone.

use base::secret::Digest;
use imagesize::ImageType;
use strum::{EnumString, IntoStaticStr};

/// Maximum size of a logo in bytes.
pub const MAX_LOGO_BYTES: usize = 256 * 1024;

/// Maximum width and height in pixels.
const MAX_PIXELS: u32 = 4096;

/// An image format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString)]
pub enum LogoType {
    /// Portable Network Graphics (ISO/IEC 15948).
    #[strum(serialize = "image/png")]
    Png,
    /// JPEG (ITU-T T.81).
    #[strum(serialize = "image/jpeg")]
    Jpeg,
    /// GIF89a.
    #[strum(serialize = "image/gif")]
    Gif,
    /// WebP (RFC 9649).
    #[strum(serialize = "image/webp")]
    Webp,
}

impl LogoType {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        self.into()
    }
}

/// Why an upload is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// The file is too large.
    #[error("must be at most {} kB", MAX_LOGO_BYTES / 1024)]
    TooLarge,
    /// Not an accepted format. SVG can hold script.
    #[error("must be a PNG, JPEG, GIF or WebP picture (no SVG: it can hold script)")]
    Format,
    /// The signature is that of an accepted format, but the header is truncated or invalid.
    #[error("is a picture whose header cannot be read")]
    Broken,
    /// The width or height is zero or too large.
    #[error("must be from 1 to {MAX_PIXELS} pixels wide and high")]
    Dimensions,
}

/// A validated logo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// Its image format.
    pub kind: LogoType,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Logo {
    /// Parses and validates a file.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, LogoError> {
        if bytes.len() > MAX_LOGO_BYTES {
            return Err(LogoError::TooLarge);
        }
        let kind = detect_type(&bytes).ok_or(LogoError::Format)?;
        let size = imagesize::blob_size(&bytes).map_err(|_| LogoError::Broken)?;
        let pixels = |side: usize| u32::try_from(side).map_err(|_| LogoError::Dimensions);
        let (width, height) = (pixels(size.width)?, pixels(size.height)?);
        let sane = 1..=MAX_PIXELS;
        if !sane.contains(&width) || !sane.contains(&height) {
            return Err(LogoError::Dimensions);
        }
        Ok(Self { kind, width, height, bytes })
    }

    /// The cache key in the file's URL.
    pub fn version(&self) -> String {
        Digest::of(&self.bytes).to_hex()
    }
}

/// The format that the file's first bytes tell, if it is an accepted one.
fn detect_type(bytes: &[u8]) -> Option<LogoType> {
    match imagesize::image_type(bytes).ok()? {
        ImageType::Png => Some(LogoType::Png),
        ImageType::Jpeg => Some(LogoType::Jpeg),
        ImageType::Gif => Some(LogoType::Gif),
        ImageType::Webp => Some(LogoType::Webp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn png_of(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0]);
        bytes
    }

    #[test]
    fn each_format_tells_its_size() {
        let size =
            |bytes: &[u8]| Logo::parse(bytes.to_vec()).map(|logo| (logo.kind, logo.width, logo.height));
        assert_eq!(size(&png_of(300, 80)), Ok((LogoType::Png, 300, 80)));
        assert_eq!(size(b"GIF89a\x2c\x01\x50\x00\0\0\0"), Ok((LogoType::Gif, 300, 80)));
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x50\x01\x2c\x03";
        assert_eq!(size(jpeg), Ok((LogoType::Jpeg, 300, 80)));
        let vp8x = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x2b\x01\x00\x4f\x00\x00";
        assert_eq!(size(vp8x), Ok((LogoType::Webp, 300, 80)));
        let vp8l =
            [b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f".as_slice(), &(299_u32 | 79 << 14).to_le_bytes()].concat();
        assert_eq!(size(&vp8l), Ok((LogoType::Webp, 300, 80)));
        let vp8 = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x2c\x01\x50\x00";
        assert_eq!(size(vp8), Ok((LogoType::Webp, 300, 80)));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let refused = |bytes: &[u8]| Logo::parse(bytes.to_vec()).unwrap_err();
        for bytes in [
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".as_slice(),
            b"<html>",
            b"",
            b"\x00\x00\x01\x00",
            b"RIFF\0\0\0\0WAVE",
        ] {
            assert_eq!(refused(bytes), LogoError::Format);
        }
        for bytes in [
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0".as_slice(),
            b"\xff\xd8\xff\xe0\x00\x04ab\x00\x00\x00\x00\x00",
            b"\xff\xd8\xff\xd9\x00\x04ab\xff\xc0\x00\x11\x08",
            b"RIFF\0\0\0\0WEBPJUNK",
        ] {
            assert_eq!(refused(bytes), LogoError::Broken, "{bytes:?}");
        }
        assert_eq!(refused(&png_of(0, 80)), LogoError::Dimensions);
        assert_eq!(refused(&png_of(5000, 80)), LogoError::Dimensions);
        assert_eq!(refused(&[png_of(1, 1), vec![0; MAX_LOGO_BYTES]].concat()), LogoError::TooLarge);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            head in prop_oneof![
                Just(b"\xff\xd8\xff".to_vec()),
                Just(b"\x89PNG\r\n\x1a\n".to_vec()),
                Just(b"GIF89a".to_vec()),
                Just(b"RIFF\0\0\0\0WEBPVP8X".to_vec()),
                Just(b"RIFF\0\0\0\0WEBPVP8L".to_vec()),
                Just(Vec::new()),
            ],
            tail: Vec<u8>,
        ) {
            let _ = Logo::parse([head, tail].concat());
        }
    }
}
