//! The desktop app.
fn main() {
    tauri::Builder::default()
        .run(tauri::generate_context!())
        .expect("the webview starts");
}
