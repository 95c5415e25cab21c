"""What we say to the guest and what it answers: a script as user-data, and HTTP to its address."""

from __future__ import annotations

import base64
import http.client
import time

from ouranos.verify import story

# Runs in the small guest (busybox) and in a distribution's cloud image alike. The page proves that
# metadata and user-data arrived; the programs in cgi-bin write and read a volume's first bytes.
_SCRIPT = """#!/bin/sh
PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin; export PATH
www=/www; mkdir -p $www/cgi-bin
echo "{token} $(hostname)" > $www/proof.txt
cat > $www/cgi-bin/volume <<'END'
#!/bin/sh
PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin; export PATH
echo "Content-Type: text/plain"; echo
IFS='&' read -r act serial text <<WORDS
$QUERY_STRING
WORDS
for block in /sys/block/vd*; do
  [ "$(cat $block/serial 2>/dev/null)" = "$serial" ] || continue
  device=/dev/${{block##*/}}
  case $act in
    write) printf '%s' "$text" | dd of=$device bs=512 conv=sync,notrunc 2>/dev/null
      sync && echo written;;
    read) dd if=$device bs=512 count=1 2>/dev/null | tr -d '\\000'; echo;;
    look) echo present;;
  esac
  exit 0
done
echo absent
END
chmod +x $www/cgi-bin/volume
echo "GUEST: user-data {token}"
if [ -x /bin/busybox ] && busybox httpd --help 2>&1 | grep -q httpd; then
  pidof httpd >/dev/null || busybox httpd -h $www -p 80
else
  (cd $www && nohup python3 -m http.server --cgi 80 >/dev/null 2>&1 &)
fi
"""
_ANSWER = 5.0  # seconds for one answer of the guest


def user_data(token: str) -> str:
    """The script for this run, as Nova's API takes it."""
    return base64.b64encode(_SCRIPT.format(token=token).encode()).decode()


def ask(address: str, path: str) -> str:
    """One HTTP request to the guest; an empty text while it does not answer."""
    connection = http.client.HTTPConnection(address, 80, timeout=_ANSWER)
    try:
        connection.request("GET", path, headers={"Host": address})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException):
        time.sleep(0.1)
        return ""
    finally:
        connection.close()
    return text if answer.status == http.client.OK else ""


def volume(address: str, act: str, serial: str, text: str = "") -> str:
    """Let the guest look for, write or read the volume; virtio shows 20 characters of its id."""
    return ask(address, f"/cgi-bin/volume?{act}&{serial[:20]}&{text}")


def answers(address: str, token: str, hostname: str, seconds: float) -> str:
    """Wait for the page that only our user-data and the metadata's host name can make."""
    return str(
        story.until(
            lambda: page if (page := ask(address, "/proof.txt")).startswith(token) else "",
            what=f"the guest {hostname} answering HTTP at {address}",
            seconds=seconds,
            every=0.1,
        )
    )
