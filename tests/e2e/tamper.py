# tamper.py - a gateway that lies: it has the gateway's own certificate and key, passes calls on to the true one with the
# member's, and changes the answers of one path as it is told to: change takes and gives JSON, raw bytes.
import http.server
import json
import ssl
import threading


class Tamper:
    def __init__(self, gw, member):
        self.change, self.raw, self.path = None, None, None
        lie = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                keep = {k: v for k, v in self.headers.items() if k.lower() in ("content-type", "if-none-match", "upload-offset", "range", "if-range")}
                a = member.call(self.command, self.path, body if self.command in ("POST", "PUT") else None, **keep)
                out = a.body
                if lie.change and self.path == lie.path and a.status == 200:
                    out = json.dumps(lie.change(json.loads(out))).encode()
                if lie.raw and self.path == lie.path and a.status == 200:
                    out = lie.raw(out)
                self.send_response(a.status)
                for k, v in a.headers.items():
                    if k.lower() not in ("content-length", "connection", "date", "server"):
                        self.send_header(k, v)
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(out)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = pass_on

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.minimum_version = ssl.TLSVersion.TLSv1_3
        ctx.load_cert_chain(f"{gw.dir}/pki/certs/gateway-tls/localhost.pem", f"{gw.dir}/pki/certs/gateway-tls/localhost.key")
        self.server.socket = ctx.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
