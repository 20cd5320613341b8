/** Draws I420 pictures with one WebGL 2 context: three textures a tile, one shader, one quad. */
import type { Frame } from "../frame_format";
import { colorTransform } from "./color";
import type { Painter, Placement } from "./painter";

const VERTEX = `#version 300 es
in vec2 corner;
uniform vec4 rect;    // x, y, width, height in clip space
uniform vec4 part;    // left, top, right, bottom of the picture
uniform vec2 size;    // pixels
out vec2 texture_at;
out vec2 pixel_at;
void main() {
  gl_Position = vec4(rect.xy + corner * rect.zw, 0.0, 1.0);
  texture_at = mix(part.xy, part.zw, corner);
  pixel_at = (corner - 0.5) * size;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec2 texture_at;
in vec2 pixel_at;
uniform sampler2D plane_y;
uniform sampler2D plane_u;
uniform sampler2D plane_v;
uniform mat3 to_rgb;
uniform vec3 offset;
uniform vec2 size;
uniform float radius;
uniform float frozen;
out vec4 color;
void main() {
  vec3 yuv = vec3(texture(plane_y, texture_at).r, texture(plane_u, texture_at).r, texture(plane_v, texture_at).r);
  vec3 rgb = clamp(to_rgb * (yuv - offset), 0.0, 1.0);
  float grey = dot(rgb, vec3(0.2126, 0.7152, 0.0722));
  rgb = mix(rgb, mix(rgb, vec3(grey), 0.8) * 0.6, frozen);
  vec2 beyond = abs(pixel_at) - size * 0.5 + radius;
  float distance = length(max(beyond, 0.0)) + min(max(beyond.x, beyond.y), 0.0) - radius;
  float inside = clamp(0.5 - distance, 0.0, 1.0);
  color = vec4(rgb * inside, inside);
}`;

const UNIFORMS = ["rect", "part", "size", "to_rgb", "offset", "radius", "frozen", "plane_y", "plane_u", "plane_v"] as const;
type UniformName = (typeof UNIFORMS)[number];

interface TileTextures {
  width: number;
  height: number;
  planes: [WebGLTexture, WebGLTexture, WebGLTexture];
  fullRange: boolean;
  bt601: boolean;
}

export class WebGlPainter implements Painter {
  private readonly tiles = new Map<string, TileTextures>();
  private readonly program: WebGLProgram;
  private readonly uniforms: Record<UniformName, WebGLUniformLocation | null>;

  /** `null` when this machine has no WebGL 2. */
  static create(canvas: HTMLCanvasElement): WebGlPainter | null {
    const gl = canvas.getContext("webgl2", { alpha: true, antialias: false, depth: false, stencil: false, premultipliedAlpha: true });
    if (gl === null || gl.isContextLost()) return null;
    try {
      return new WebGlPainter(gl);
    } catch {
      return null;
    }
  }

  private constructor(private readonly gl: WebGL2RenderingContext) {
    this.program = link(gl);
    this.uniforms = Object.fromEntries(
      UNIFORMS.map((name) => [name, gl.getUniformLocation(this.program, name)]),
    ) as Record<UniformName, WebGLUniformLocation | null>;
    gl.useProgram(this.program);
    const quad = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, quad);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(this.program, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    gl.uniform1i(this.uniforms.plane_y, 0);
    gl.uniform1i(this.uniforms.plane_u, 1);
    gl.uniform1i(this.uniforms.plane_v, 2);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.clearColor(0, 0, 0, 0);
  }

  upload(frame: Frame): void {
    const { gl } = this;
    let tile = this.tiles.get(frame.key);
    if (tile === undefined || tile.width !== frame.width || tile.height !== frame.height) {
      this.release(frame.key);
      tile = this.allocate(frame);
      this.tiles.set(frame.key, tile);
    }
    tile.fullRange = frame.fullRange;
    tile.bt601 = frame.bt601;
    const halfWidth = (frame.width + 1) >> 1;
    const halfHeight = (frame.height + 1) >> 1;
    this.fill(tile.planes[0], frame.width, frame.height, frame.bytes, frame.yOffset);
    this.fill(tile.planes[1], halfWidth, halfHeight, frame.bytes, frame.uOffset);
    this.fill(tile.planes[2], halfWidth, halfHeight, frame.bytes, frame.vOffset);
    gl.bindTexture(gl.TEXTURE_2D, null);
  }

  draw(placements: readonly Placement[], width: number, height: number): void {
    const { gl, uniforms } = this;
    gl.viewport(0, 0, width, height);
    gl.clear(gl.COLOR_BUFFER_BIT);
    for (const place of placements) {
      const tile = this.tiles.get(place.key);
      if (tile === undefined) continue;
      for (let unit = 0; unit < 3; unit += 1) {
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(gl.TEXTURE_2D, tile.planes[unit] ?? null);
      }
      const { matrix, offset } = colorTransform(tile.fullRange, tile.bt601);
      gl.uniformMatrix3fv(uniforms.to_rgb, false, matrix);
      gl.uniform3fv(uniforms.offset, offset);
      gl.uniform4f(
        uniforms.rect,
        (2 * place.x) / width - 1,
        1 - (2 * place.y) / height,
        (2 * place.width) / width,
        (-2 * place.height) / height,
      );
      if (place.mirrored) gl.uniform4f(uniforms.part, place.right, place.top, place.left, place.bottom);
      else gl.uniform4f(uniforms.part, place.left, place.top, place.right, place.bottom);
      gl.uniform2f(uniforms.size, place.width, place.height);
      gl.uniform1f(uniforms.radius, place.radius);
      gl.uniform1f(uniforms.frozen, place.frozen ? 1 : 0);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
  }

  release(key: string): void {
    const tile = this.tiles.get(key);
    if (tile === undefined) return;
    for (const plane of tile.planes) this.gl.deleteTexture(plane);
    this.tiles.delete(key);
  }

  dispose(): void {
    for (const key of [...this.tiles.keys()]) this.release(key);
    this.gl.deleteProgram(this.program);
  }

  private allocate(frame: Frame): TileTextures {
    const halfWidth = (frame.width + 1) >> 1;
    const halfHeight = (frame.height + 1) >> 1;
    return {
      width: frame.width,
      height: frame.height,
      planes: [this.plane(frame.width, frame.height), this.plane(halfWidth, halfHeight), this.plane(halfWidth, halfHeight)],
      fullRange: frame.fullRange,
      bt601: frame.bt601,
    };
  }

  private plane(width: number, height: number): WebGLTexture {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R8, width, height);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return texture;
  }

  private fill(texture: WebGLTexture, width: number, height: number, bytes: Uint8Array, offset: number): void {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RED, gl.UNSIGNED_BYTE, bytes, offset);
  }
}

function link(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind);
    if (shader === null) throw new Error("no shader");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (gl.getProgramParameter(program, gl.LINK_STATUS) !== true) throw new Error(gl.getProgramInfoLog(program) ?? "link failed");
  return program;
}
