//! The digest of a table's rows, whatever their order: databases sort texts differently.

use base::secret::Digest;

use crate::store::table_rows::Cell;

/// The sum of the digests of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RowsDigest {
    /// How many rows.
    pub(super) rows: i64,
    sum: [u128; 2],
}

impl RowsDigest {
    /// Adds a row. `opened` holds what stands for values that are sealed, by their places.
    pub(super) fn add(&mut self, row: &[Cell], opened: &[(usize, Vec<u8>)]) {
        let mut bytes = Vec::new();
        for (place, cell) in row.iter().enumerate() {
            let plain = opened.iter().find(|(of, _)| *of == place).map(|(_, plain)| plain);
            match (plain, cell) {
                (Some(plain), _) => put(&mut bytes, b'o', plain),
                (None, Cell::Text(text)) => put(&mut bytes, b't', text.as_bytes()),
                (None, Cell::Integer(number)) => put(&mut bytes, b'i', &number.to_be_bytes()),
                (None, Cell::Boolean(truth)) => put(&mut bytes, b'b', &[u8::from(*truth)]),
                (None, Cell::Null) => put(&mut bytes, b'n', b""),
            }
        }
        let digest = Digest::of(&bytes).to_hex();
        let (high, low) = digest.split_at(32);
        for (sum, half) in self.sum.iter_mut().zip([high, low]) {
            *sum = sum.wrapping_add(u128::from_str_radix(half, 16).unwrap_or_default());
        }
        self.rows += 1;
    }

    /// In hexadecimal.
    pub(super) fn to_hex(self) -> String {
        format!("{:032x}{:032x}", self.sum[0], self.sum[1])
    }
}

/// A kind, a length and the bytes, so that no two rows look alike.
fn put(bytes: &mut Vec<u8>, kind: u8, value: &[u8]) {
    bytes.push(kind);
    bytes.extend(value.len().to_be_bytes());
    bytes.extend(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_apart_and_their_order_does_not_matter() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let digest = |rows: &[Vec<Cell>]| {
            let mut digest = RowsDigest::default();
            rows.iter().for_each(|row| digest.add(row, &[]));
            digest
        };
        let (a, b) = (vec![text("a"), Cell::Integer(1)], vec![text("b"), Cell::Null]);
        assert_eq!(digest(&[a.clone(), b.clone()]), digest(&[b.clone(), a.clone()]));
        assert_ne!(digest(std::slice::from_ref(&a)), digest(&[b]));
        assert_ne!(digest(&[vec![text("ab"), text("")]]), digest(&[vec![text("a"), text("b")]]));
        assert_ne!(digest(&[vec![Cell::Boolean(false)]]), digest(&[vec![Cell::Null]]));
        let mut opened = RowsDigest::default();
        opened.add(&[text("sealed"), Cell::Integer(1)], &[(0, b"a".to_vec())]);
        let mut other = RowsDigest::default();
        other.add(&[text("sealed otherwise"), Cell::Integer(1)], &[(0, b"a".to_vec())]);
        assert_eq!(opened, other);
        assert_eq!(opened.to_hex().len(), 64);
    }
}
