// Draws the face and the sensor boards with WebGL 2.

import { boardMesh, STATUS_TINTS } from "./board.js";
import { fromPose, lookAt, multiply, orthographic } from "./matrix.js";
import * as shaders from "./shaders.js";

const SHADOW_SIZE = 1024;
const LAMP_HALF_M = 0.17;
const IDENTITY = fromPose([0, 0, 0], [0, 0, 0, 1]);

export class Renderer {
  constructor(canvas, rig) {
    const gl = canvas.getContext("webgl2", { antialias: true, alpha: false, powerPreference: "low-power" });
    if (!gl) throw new Error("This browser draws no WebGL 2: update it, or switch hardware acceleration on.");
    this.canvas = canvas;
    this.gl = gl;
    this.rig = rig;
    this.surface = this.program(shaders.SURFACE_VERTEX, shaders.SURFACE_FRAGMENT);
    this.shadow = this.program(shaders.SHADOW_VERTEX, shaders.SHADOW_FRAGMENT);
    this.backdrop = this.program(shaders.BACKDROP_VERTEX, shaders.BACKDROP_FRAGMENT);
    this.face = this.mesh(rig);
    this.board = this.mesh(boardMesh());
    this.empty = gl.createVertexArray();
    this.shadowMap = this.depthTarget();
    gl.enable(gl.DEPTH_TEST);
    gl.enable(gl.CULL_FACE);
  }

  program(vertex, fragment) {
    const gl = this.gl;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    const at = {};
    for (let i = 0; i < gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS); i++) {
      const { name } = gl.getActiveUniform(program, i);
      at[name] = gl.getUniformLocation(program, name);
    }
    return { program, at };
  }

  mesh({ positions, normals, colors, triangles }) {
    const gl = this.gl;
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    const fill = (data, usage, target = gl.ARRAY_BUFFER) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(target, buffer);
      gl.bufferData(target, data, usage);
      return buffer;
    };
    const attribute = (slot, size, type, stride, offset) => {
      gl.enableVertexAttribArray(slot);
      gl.vertexAttribPointer(slot, size, type, type === gl.UNSIGNED_BYTE, stride, offset);
    };
    const position = fill(positions, gl.DYNAMIC_DRAW);
    attribute(0, 3, gl.FLOAT, 0, 0);
    const normal = fill(normals, gl.DYNAMIC_DRAW);
    attribute(1, 3, gl.FLOAT, 0, 0);
    fill(colors, gl.STATIC_DRAW);
    attribute(2, 3, gl.UNSIGNED_BYTE, 5, 0);
    attribute(3, 2, gl.UNSIGNED_BYTE, 5, 3);
    fill(triangles, gl.STATIC_DRAW, gl.ELEMENT_ARRAY_BUFFER);
    gl.bindVertexArray(null);
    return { array, position, normal, count: triangles.length };
  }

  depthTarget() {
    const gl = this.gl;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.DEPTH_COMPONENT24, SHADOW_SIZE, SHADOW_SIZE);
    for (const [name, value] of [
      [gl.TEXTURE_MIN_FILTER, gl.LINEAR], [gl.TEXTURE_MAG_FILTER, gl.LINEAR],
      [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
      [gl.TEXTURE_COMPARE_MODE, gl.COMPARE_REF_TO_TEXTURE], [gl.TEXTURE_COMPARE_FUNC, gl.LEQUAL],
    ]) gl.texParameteri(gl.TEXTURE_2D, name, value);
    const framebuffer = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.DEPTH_ATTACHMENT, gl.TEXTURE_2D, texture, 0);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    return framebuffer;
  }

  // Sends the rig's present vertices to the graphics card.
  upload() {
    const gl = this.gl;
    for (const [buffer, data] of [[this.face.position, this.rig.positions], [this.face.normal, this.rig.normals]]) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, data);
    }
  }

  // share: of the screen's resolution.
  resize(share) {
    const ratio = share * Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    return width / height;
  }

  // camera: see Camera.view; head: quaternion; boards: [{pose: 7 numbers, status}]; fade: 0 live to 1 no input.
  draw(camera, aspect, head, boards, fade) {
    const turn = fromPose([0, 0, 0], head);
    const centre = [0.03, 0, 0.5 * (this.rig.bounds.top + this.rig.bounds.bottom)];
    const from = shaders.KEY_DIRECTION.map((x, i) => centre[i] + 0.5 * x);
    const lamp = multiply(orthographic(LAMP_HALF_M, 0.1, 0.9), lookAt(from, centre, [0, 0, 1]));
    this.drawShadows(lamp, turn);
    this.drawBackdrop(aspect);
    this.drawSurfaces(camera, lamp, turn, boards, fade);
  }

  drawShadows(lamp, turn) {
    const { gl, shadow } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.shadowMap);
    gl.viewport(0, 0, SHADOW_SIZE, SHADOW_SIZE);
    gl.clear(gl.DEPTH_BUFFER_BIT);
    gl.useProgram(shadow.program);
    gl.uniformMatrix4fv(shadow.at.lamp, false, lamp);
    gl.uniformMatrix4fv(shadow.at.model, false, turn);
    gl.bindVertexArray(this.face.array);
    gl.drawElements(gl.TRIANGLES, this.face.count, gl.UNSIGNED_INT, 0);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  drawBackdrop(aspect) {
    const { gl, backdrop } = this;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clear(gl.DEPTH_BUFFER_BIT);
    gl.useProgram(backdrop.program);
    gl.uniform1f(backdrop.at.aspect, aspect);
    gl.bindVertexArray(this.empty);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  drawSurfaces(camera, lamp, turn, boards, fade) {
    const { gl, surface } = this;
    const { at } = surface;
    gl.useProgram(surface.program);
    gl.uniformMatrix4fv(at.camera, false, camera.matrix);
    gl.uniformMatrix4fv(at.lamp, false, lamp);
    gl.uniform3fv(at.eye, camera.eye);
    gl.uniform1f(at.fade, fade);
    gl.uniform1i(at.shadowMap, 0);
    this.drawMesh(this.face, turn, [0, 0, 0, 0], 1);
    for (const { pose, status } of boards) {
      const model = multiply(turn, fromPose(pose.slice(0, 3), pose.slice(3, 7)));
      this.drawMesh(this.board, model, STATUS_TINTS[status], 0);
    }
  }

  // The board's last triangles are its lamp: drawn with the tint and a light of its own.
  drawMesh(mesh, model, tint, soft) {
    const { gl } = this;
    const { at } = this.surface;
    const lampCount = soft ? 0 : boardMesh.lampCount;
    gl.bindVertexArray(mesh.array);
    gl.uniformMatrix4fv(at.model, false, model);
    gl.uniform1f(at.soft, soft);
    gl.uniform1f(at.glow, 0);
    gl.uniform4f(at.tint, tint[0], tint[1], tint[2], soft ? 0 : tint[3]);
    gl.drawElements(gl.TRIANGLES, mesh.count - lampCount, gl.UNSIGNED_INT, 0);
    if (!lampCount) return;
    gl.uniform4f(at.tint, tint[0], tint[1], tint[2], 1);
    gl.uniform1f(at.glow, 0.55);
    gl.drawElements(gl.TRIANGLES, lampCount, gl.UNSIGNED_INT, 4 * (mesh.count - lampCount));
  }
}
