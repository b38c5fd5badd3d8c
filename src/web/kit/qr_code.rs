//! QR codes, as SVG: for apps that scan them. The same text stands beside each, for those who cannot.

use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

/// The white border around a code, in modules (ISO/IEC 18004 §9.1).
const QUIET_ZONE: i32 = 4;

/// The code of a text. Nothing, if it is too long for one.
pub fn qr_code(text: &str, label: &str) -> Markup {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else { return html! {} };
    let size = code.size() + 2 * QUIET_ZONE;
    html! {
        svg.qr viewBox=(format!("0 0 {size} {size}")) width="220" height="220" role="img" aria-label=(label)
            shape-rendering="crispEdges" {
            rect width="100%" height="100%" fill="#fff" {}
            path d=(modules(&code)) fill="#000" {}
        }
    }
}

/// Each dark module, as a square.
fn modules(code: &QrCode) -> String {
    let all = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
    all.filter(|(x, y)| code.get_module(*x, *y))
        .map(|(x, y)| format!("M{} {}h1v1h-1z", x + QUIET_ZONE, y + QUIET_ZONE))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_a_quiet_zone_and_its_finder_patterns() {
        let svg = qr_code("otpauth://totp/Acme:dana?secret=GEZDGNBVGY3TQOJQ", "QR code").into_string();
        assert!(svg.contains("role=\"img\" aria-label=\"QR code\"") && svg.contains("M4 4h1v1h-1z"), "{svg}");
        assert!(!svg.contains("M3 ") && !svg.contains(" 3h1v1h-1z"));
        assert_eq!(qr_code(&"x".repeat(5000), "").into_string(), "");
    }
}
