namespace HostMemd.Fuzz;

static class Differential
{
    public static int Run(FuzzOptions options) => options.Count < 0 ? 1 : 0;
}
