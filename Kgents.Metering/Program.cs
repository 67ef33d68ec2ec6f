using Kgents.Metering;
using Kgents.Metering.Operations;
using Kgents.ServiceDefaults;

return await Startup.RunAsync(Console.Error, async explainBy =>
{
    if (MeteringCommands.Has(args))
    {
        return await MeteringCommands.RunAsync(args, Console.Out, explainBy, CancellationToken.None);
    }

    var builder = WebApplication.CreateBuilder(args);
    explainBy(builder.Configuration);
    builder.AddServiceDefaults("kgents-metering");
    builder.AddKgentsMetering();

    var app = builder.Build();
    app.MapDefaultEndpoints();
    await app.RunAsync();
    return Environment.ExitCode;
});
