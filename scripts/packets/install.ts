/** What to install, or which group to join, so that tshark can capture. */

/** Where tshark is missing. */
const missing = `It is the command line of Wireshark, https://www.wireshark.org:
  Linux    sudo apt install tshark, answer Yes, then: sudo usermod -aG wireshark $USER
           (Fedora: wireshark-cli, Arch: wireshark-cli); log out and in again
  macOS    install Wireshark from its .dmg, and with it ChmodBPF
  Windows  install Wireshark, and with it Npcap`;

/** Where it is there, but may not capture. */
const noRight = `To capture, your user needs the right to:
  Linux    sudo dpkg-reconfigure wireshark-common, answer Yes (on Debian, Ubuntu), then
           sudo usermod -aG wireshark $USER; log out and in again
  macOS    install ChmodBPF, which comes with Wireshark's .dmg: it puts you into the
           group access_bpf; log out and in again
  Windows  install Npcap, which comes with Wireshark, without its option that lets
           only administrators capture, or use a terminal as administrator`;

/** The text for a reason why there is no capture. */
export const howToCapture = { missing, "no right": noRight };
