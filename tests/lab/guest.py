"""A guest that needs no operating system: it fills 64 KiB of its memory, then at every tick of its clock sums them up and says "." while
the sum is right, "X" once it is not. QEMU in a VM without hardware help runs it at once, where a kernel would take minutes to boot."""

import subprocess

# as --32 of:  .code16
#              xor %ax,%ax; mov %ax,%ds; mov %ax,%ss; mov $0x7c00,%sp; mov $0x2000,%ax; mov %ax,%es; xor %di,%di
#       fill:  mov %di,%es:(%di); add $2,%di; jnz fill
#       again: xor %di,%di; xor %bx,%bx
#       sum:   add %es:(%di),%bx; add $2,%di; jnz sum
#              incl 0x8000; mov $'.',%al; cmp $0x8000,%bx; je good; mov $'X',%al
#       good:  out %al,$0xe9; sti; hlt; jmp again
BOOT = bytes.fromhex("31c08ed88ed0bc007cb800208ec031ff26893d83c70275f8"
                     "31ff31db26031d83c70275f866ff060080b02e81fb00807402b058e6e9fbf4ebdf")


class Guest:
    MIB = 16

    def __init__(self, memory, folder="/run"):
        """memory: a path of 16 MiB that QEMU maps shared."""
        self.said = f"{folder}/guest.said"
        with open(f"{folder}/guest.boot", "wb") as disk:
            disk.write(BOOT.ljust(510, b"\0") + b"\x55\xaa" + bytes(1440 * 1024 - 512))
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-machine", "pc,memory-backend=ram", "-m", str(self.MIB), "-display", "none", "-nodefaults",
             "-object", f"memory-backend-file,id=ram,size={self.MIB}M,mem-path={memory},share=on",
             "-drive", f"file={folder}/guest.boot,format=raw,if=floppy,readonly=on", "-debugcon", f"file:{self.said}"])

    def ticks(self):
        assert self.process.poll() is None, "the guest's QEMU has ended"
        try:
            with open(self.said) as file:
                said = file.read()
        except FileNotFoundError:
            return 0
        assert "X" not in said, f"the guest found another content after {said.index('X')} ticks"
        return len(said)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
