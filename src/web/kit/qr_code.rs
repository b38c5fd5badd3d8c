//! QR codes (ISO/IEC 18004), drawn as SVG on the server.

use std::fmt::Write as _;

use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

/// The quiet zone around a code, in modules.
const QUIET: i32 = 4;

/// A text as a QR code; `None` where it is too long for one.
pub fn qr(text: &str, label: &str) -> Option<Markup> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size();
    let mut drawn = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            // Writing to a string cannot fail.
            let _ = write!(drawn, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
        }
    }
    let whole = size + 2 * QUIET;
    // Dark on light in every colour scheme: many readers want it so.
    Some(html! {
        svg.qr viewBox=(format!("0 0 {whole} {whole}")) role="img" aria-label=(label) shape-rendering="crispEdges" {
            rect width=(whole) height=(whole) fill="#fff" {}
            path d=(drawn) fill="#000" {}
        }
    })
}

/// A secret in groups of four, as people type it who cannot scan its code.
pub fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners_and_room_around() {
        let drawn = qr("otpauth://totp/Portal:dana?secret=GEZDGNBVGY3TQOJQ", "x").unwrap().into_string();
        let whole: i32 =
            drawn.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let last = whole - QUIET - 1;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(drawn.contains(&format!("M{x} {y}h1")), "{x} {y}");
        }
        assert!(!drawn.contains("M3 ") && !drawn.contains(&format!("M{} ", last + 1)));
        assert!(qr(&"x".repeat(5000), "x").is_none());
    }
}
