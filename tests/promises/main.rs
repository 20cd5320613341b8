//! What Confab promises, one file a promise, each shown with real processes on this computer.
//!
//! `cargo xtask test` builds the programs first. Quick runs take a sample of each promise; with `CONFAB_FULL=1`
//! (`cargo xtask test --full`) every count that an issue names is taken.

mod a_bad_network_is_repaired;
mod a_call_finds_its_way;
mod a_full_server_says_so;
mod a_load_is_carried_whole;
mod a_room_larger_than_a_worker;
mod a_server_drains;
mod a_shared_screen_is_read_back;
mod bad_input_disturbs_nobody;
mod browsers;
mod chat_hand_and_mute_reach_the_others;
mod devices_change_in_the_window;
mod devices_may_be_missing;
mod five_people;
mod from_one_to_forty_nine_people;
mod killed_and_lost_people;
mod no_echo;
mod server_restart;
mod the_bench_of_the_sfu_prints_every_figure;
mod the_desktop_window;
mod the_first_minute;
mod the_lab_itself;
mod the_webview_is_locked_in;
mod the_window_in_a_browser;
mod the_window_is_lived_in;
mod two_people_see_and_hear_each_other;
mod window_stage;
