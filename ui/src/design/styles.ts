/** The style sheets, in the order they build on each other. */
import "./tokens.css";
import "./base.css";
import "./controls.css";
import "./surfaces.css";
