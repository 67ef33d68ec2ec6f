using Kgents.Api;
using Kgents.ServiceDefaults;

return await Startup.RunAsync(Console.Error, async explainBy =>
{
    var builder = WebApplication.CreateBuilder(args);
    explainBy(builder.Configuration);
    builder.AddServiceDefaults("kgents-api");
    builder.AddKgentsApi();

    var app = builder.Build();
    app.MapDefaultEndpoints();
    app.MapKgentsApi();
    await app.RunAsync();
    return Environment.ExitCode;
});
