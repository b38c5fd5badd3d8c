//! The pages on which users look after their own account, with the vendor's branding and without JavaScript but for passkeys.

pub mod addresses;
pub mod confirm;
pub mod data;
pub mod frame;
pub mod guest_invitation;
pub mod organizations;
pub mod overview;
pub mod passkeys;
pub mod password;
pub mod profile;
#[cfg(test)]
mod samples;
pub mod second_factor;
pub mod sessions;
pub mod wanted;
