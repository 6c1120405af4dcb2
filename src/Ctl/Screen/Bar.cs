namespace HostMemd.Ctl.Screen;

/// <summary>A share as a bar of ten cells.</summary>
static class Bar
{
    const int Cells = 10;

    public static string Of(int percent, bool unicode)
    {
        var full = percent * Cells / 100;
        return new string(unicode ? '█' : '#', full) + new string(unicode ? '░' : '.', Cells - full);
    }
}
