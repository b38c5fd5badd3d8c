//! Brand colours, and text colours adjusted to the minimum contrast (WCAG 2.2 §1.4.3).

use std::fmt;

/// The minimum contrast ratio of text (WCAG 2.2 §1.4.3, level AA).
const MIN_CONTRAST: f64 = 4.5;

/// An sRGB colour: `#1f4fc4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

impl Color {
    /// `#000000`.
    pub const BLACK: Self = Self { red: 0, green: 0, blue: 0 };
    /// `#ffffff`.
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };

    /// A colour from its components.
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Parses `#rrggbb` or `#rgb`, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let digits: String = match digits.len() {
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
            6 => digits.to_owned(),
            _ => return None,
        };
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Self { red: part(0)?, green: part(2)?, blue: part(4)? })
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// The contrast ratio with another colour, from 1 to 21 (WCAG 2.2).
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        if a > b { a / b } else { b / a }
    }

    /// This colour mixed with `percent` of another.
    pub fn mixed(self, other: Self, percent: u16) -> Self {
        let percent = percent.min(100);
        let part = |a: u8, b: u8| {
            let sum = u16::from(a) * (100 - percent) + u16::from(b) * percent;
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        Self {
            red: part(self.red, other.red),
            green: part(self.green, other.green),
            blue: part(self.blue, other.blue),
        }
    }

    /// This colour, mixed with just enough of `end` to be readable on all of `backgrounds`.
    pub fn readable_on(self, backgrounds: &[Self], end: Self) -> Self {
        (0..=100)
            .map(|percent| self.mixed(end, percent))
            .find(|ink| backgrounds.iter().all(|ground| ink.contrast(*ground) >= MIN_CONTRAST))
            .unwrap_or(end)
    }

    /// Black or white, whichever has more contrast with this colour. One of them is always readable.
    pub fn contrasting_text(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_are_read_in_the_forms_that_people_have() {
        assert_eq!(Color::parse("#1F4fc4").unwrap().to_string(), "#1f4fc4");
        assert_eq!(Color::parse("#0af").unwrap().to_string(), "#00aaff");
        for bad in ["", "1f4fc4", "#12345", "#gggggg", "#1f4fc4;", "red", "#ééé", "#+1+2+3"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
        assert!((Color::BLACK.contrast(Color::WHITE) - 21.0).abs() < 0.01);
    }

    proptest! {
        #[test]
        fn ink_is_always_readable(red: u8, green: u8, blue: u8) {
            let color = Color::rgb(red, green, blue);
            prop_assert!(color.contrast(color.contrasting_text()) >= MIN_CONTRAST);
            let light = [Color::WHITE, Color::rgb(0xee, 0xf0, 0xf4)];
            let ink = color.readable_on(&light, Color::BLACK);
            prop_assert!(light.iter().all(|ground| ink.contrast(*ground) >= MIN_CONTRAST));
            prop_assert_eq!(Color::parse(&color.to_string()), Some(color));
        }
    }
}
