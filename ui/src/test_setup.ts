import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

// happy-dom draws nothing: no canvas contexts, and elements have no size unless a test gives them one.
HTMLCanvasElement.prototype.getContext = () => null;

afterEach(cleanup);
